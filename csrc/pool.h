// Threads that wait for work, and the barrier at which they meet.
#pragma once

#include <cstddef>

namespace rnnkit {

// Meets `threads` threads again and again. A wait spins a little and then gives its core away, so
// that a thread that has no core gets one.
class Barrier {
 public:
  explicit Barrier(int threads) : threads_(threads) {}
  void wait();

 private:
  const int threads_;
  int arrived_ = 0;     // accessed atomically
  unsigned round_ = 0;  // accessed atomically
};

// Runs a function on several threads at once; the caller is thread 0. One call at a time has the
// workers; others wait. Workers are made when they are first needed, and anew after a fork.
class Pool {
 public:
  using Task = void (*)(void* context, int thread);
  static Pool& instance();
  void run(int threads, Task task, void* context);
  // At least `bytes` of scratch, aligned to 64, of the calling thread, valid until its next call.
  static void* scratch(std::size_t bytes);
};

}  // namespace rnnkit
