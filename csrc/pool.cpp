#include "pool.h"

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <new>
#include <thread>
#include <vector>

namespace rnnkit {
namespace {

inline void pause_briefly() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

// Long enough for a thread that is running, short where it is not.
constexpr int kSpins = 2000;

struct Worker {
  std::atomic<unsigned> asked{0};
  std::atomic<bool> sleeping{false};
  Pool::Task task = nullptr;
  void* context = nullptr;
  int thread = 0;
  std::mutex mutex;
  std::condition_variable wake;
};

struct State {
  std::mutex one_call;
  std::vector<Worker*> workers;
  std::atomic<int> running{0};
  pid_t owner = 0;
};

std::atomic<State*> state{nullptr};

void work(State* of, Worker* worker) {
  unsigned done = 0;
  for (;;) {
    int spins = 0;
    while (worker->asked.load(std::memory_order_acquire) == done) {
      if (++spins < 20 * kSpins) {
        pause_briefly();
        continue;
      }
      std::unique_lock<std::mutex> lock(worker->mutex);
      worker->sleeping.store(true);
      worker->wake.wait(lock, [&] { return worker->asked.load() != done; });
      worker->sleeping.store(false);
    }
    ++done;
    worker->task(worker->context, worker->thread);
    of->running.fetch_sub(1, std::memory_order_release);
  }
}

// The workers of a parent process do not exist in its child; what it knew of them is left behind.
// Without a lock, which a fork might leave locked.
State& current() {
  const pid_t process = getpid();
  for (;;) {
    State* now = state.load(std::memory_order_acquire);
    if (now != nullptr && now->owner == process) return *now;
    auto fresh = std::make_unique<State>();
    fresh->owner = process;
    if (state.compare_exchange_strong(now, fresh.get())) return *fresh.release();
  }
}

struct Block {
  void* at = nullptr;
  std::size_t bytes = 0;
  ~Block() { std::free(at); }
};
thread_local Block block;

}  // namespace

void Barrier::wait() {
  const unsigned round = __atomic_load_n(&round_, __ATOMIC_ACQUIRE);
  if (__atomic_add_fetch(&arrived_, 1, __ATOMIC_ACQ_REL) == threads_) {
    __atomic_store_n(&arrived_, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&round_, round + 1, __ATOMIC_RELEASE);
    return;
  }
  for (int spins = 0; __atomic_load_n(&round_, __ATOMIC_ACQUIRE) == round; ++spins) {
    if (spins < kSpins)
      pause_briefly();
    else
      sched_yield();
  }
}

Pool& Pool::instance() {
  static Pool pool;
  return pool;
}

void Pool::run(int threads, Task task, void* context) {
  if (threads <= 1) {
    task(context, 0);
    return;
  }
  State& now = current();
  std::lock_guard<std::mutex> lock(now.one_call);
  while (static_cast<int>(now.workers.size()) < threads - 1) {
    auto worker = std::make_unique<Worker>();
    worker->thread = static_cast<int>(now.workers.size()) + 1;
    std::thread(work, &now, worker.get()).detach();
    now.workers.push_back(worker.release());
  }
  now.running.store(threads - 1, std::memory_order_relaxed);
  for (int i = 0; i < threads - 1; ++i) {
    Worker& worker = *now.workers[static_cast<std::size_t>(i)];
    worker.task = task;
    worker.context = context;
    worker.asked.fetch_add(1);
    if (worker.sleeping.load()) {
      std::lock_guard<std::mutex> held(worker.mutex);
      worker.wake.notify_one();
    }
  }
  task(context, 0);
  for (int spins = 0; now.running.load(std::memory_order_acquire) != 0; ++spins) {
    if (spins < kSpins)
      pause_briefly();
    else
      sched_yield();
  }
}

void* Pool::scratch(std::size_t bytes) {
  if (block.bytes < bytes) {
    std::free(block.at);
    block.at = nullptr;
    block.bytes = 0;
    const std::size_t rounded = (bytes + 4095) / 4096 * 4096;
    block.at = std::aligned_alloc(64, rounded);
    if (block.at == nullptr) throw std::bad_alloc();
    block.bytes = rounded;
  }
  return block.at;
}

}  // namespace rnnkit
