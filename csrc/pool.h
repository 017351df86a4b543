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

// Shares parts of a call among threads; the caller is one of them. One call at a time has the
// workers, others wait. Workers are made when they are first needed, and anew after a fork.
class Pool {
 public:
  using Task = void (*)(void* context, int part);
  static Pool& instance();
  // Runs every part once, on as many threads as are free: the caller goes on with what no worker
  // has begun. Brief work never waits for a worker that has no core; that of OpenMP's team does, at
  // its end, which long work makes up for.
  void run(int parts, Task task, void* context, bool brief);
  // Runs every part on a thread of its own, all at once, so that they can meet.
  void run_together(int parts, Task task, void* context);
  // Takes the threads of an OpenMP runtime that is loaded, PyTorch's, from its functions
  // GOMP_parallel, omp_get_num_threads and omp_get_thread_num: two sets of threads that spin after
  // their work would be in each other's way. A forked child has none of them and uses ours.
  static void adopt(void* start, void* size, void* number);
  // At least `bytes` of scratch, aligned to 64, of the calling thread, valid until its next call.
  static void* scratch(std::size_t bytes);
};

}  // namespace rnnkit
