#include "pool.h"

#include "blocks.h"

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <new>
#include <thread>

namespace rnnkit {
namespace {

inline void pause_briefly() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

// Long enough for a thread that is running, short where it is not.
constexpr int kSpins = 2000;
// A worker that found no more work stays near for about a millisecond, the time between two calls
// from Python many times over, and gives its core away to whatever asks for it.
constexpr int kYields = 4000;

// A call's number and how many of its parts nobody has begun yet, in one word: who takes a part has
// it before the call can end, and nobody takes a part of a call that is over.
using Ticket = std::uint64_t;
constexpr Ticket kParts = 0xffffffff;

struct State {
  std::mutex one_call;
  std::atomic<Ticket> ticket{0};
  std::atomic<int> done{0};
  Pool::Task task = nullptr;  // with `context`, of the call at present
  void* context = nullptr;
  std::atomic<int> sleeping{0};
  std::mutex mutex;
  std::condition_variable wake;
  int workers = 0;
  pid_t owner = 0;
};

std::atomic<State*> state{nullptr};

// Runs a part that nobody has begun, if there is one.
bool take_part(State& of) {
  Ticket now = of.ticket.load(std::memory_order_acquire);
  while ((now & kParts) != 0) {
    if (!of.ticket.compare_exchange_weak(now, now - 1, std::memory_order_acq_rel)) continue;
    of.task(of.context, static_cast<int>(now & kParts) - 1);
    of.done.fetch_add(1, std::memory_order_release);
    return true;
  }
  return false;
}

void work(State* of) {
  for (;;) {
    int spins = 0;
    while (!take_part(*of)) {
      if (++spins < kSpins + kYields) {
        if (spins < kSpins)
          pause_briefly();
        else
          sched_yield();
        continue;
      }
      std::unique_lock<std::mutex> lock(of->mutex);
      of->sleeping.fetch_add(1);
      of->wake.wait(lock, [&] { return (of->ticket.load() & kParts) != 0; });
      of->sleeping.fetch_sub(1);
    }
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

// A team of an OpenMP runtime that the process uses already; see Pool::adopt.
using StartTeam = void (*)(void (*)(void*), void*, unsigned threads, unsigned flags);
using Number = int (*)();
StartTeam start_team = nullptr;
Number team_size = nullptr, number_in_team = nullptr;
pid_t adopted_in = 0;

struct Team {
  Pool::Task task;
  void* context;
  int parts;
  bool together;
  std::atomic<int> next{0};
  std::atomic<bool> complete{true};
};

void work_in_team(void* data) {
  Team& team = *static_cast<Team*>(data);
  if (team.together) {
    if (team_size() == team.parts)
      team.task(team.context, number_in_team());
    else
      team.complete.store(false);  // OMP_THREAD_LIMIT and the like
    return;
  }
  for (int part; (part = team.next.fetch_add(1)) < team.parts;) team.task(team.context, part);
}

// Runs the parts in OpenMP's team if there is one; a forked child has none.
bool run_in_team(int parts, bool together, Pool::Task task, void* context) {
  if (start_team == nullptr || adopted_in != getpid()) return false;
  Team team{task, context, parts, together};
  start_team(work_in_team, &team, static_cast<unsigned>(parts), 0);
  return team.complete.load();
}

struct Scratch {
  void* at = nullptr;
  std::size_t bytes = 0;
  void give() {
    if (at != nullptr) give_block(at);
    at = nullptr;
    bytes = 0;
  }
  ~Scratch() { give(); }
};
thread_local Scratch own_scratch;

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

namespace {

// Hands out parts 0 to parts - 1 to workers; `mine` runs meanwhile.
template <class Mine>
void start(int parts, int workers, Pool::Task task, void* context, Mine&& mine) {
  State& now = current();
  std::lock_guard<std::mutex> lock(now.one_call);
  for (; now.workers < workers; ++now.workers) std::thread(work, &now).detach();
  now.task = task;
  now.context = context;
  now.done.store(0, std::memory_order_relaxed);
  const Ticket call = (now.ticket.load(std::memory_order_relaxed) >> 32) + 1;
  now.ticket.store(call << 32 | static_cast<Ticket>(parts));
  if (now.sleeping.load() != 0) {
    std::lock_guard<std::mutex> held(now.mutex);
    now.wake.notify_all();
  }
  mine(now);
  for (int spins = 0; now.done.load(std::memory_order_acquire) != parts; ++spins) {
    if (spins < kSpins)
      pause_briefly();
    else
      sched_yield();
  }
}

}  // namespace

void Pool::run(int parts, Task task, void* context, bool brief) {
  if (parts == 1) return task(context, 0);
  if (!brief && run_in_team(parts, false, task, context)) return;
  start(parts, parts - 1, task, context, [](State& now) {
    while (take_part(now)) {
    }
  });
}

void Pool::run_together(int parts, Task task, void* context) {
  if (run_in_team(parts, true, task, context)) return;
  // The last part is the caller's; every worker that takes another stays in it.
  start(parts - 1, parts - 1, task, context, [&](State&) { task(context, parts - 1); });
}

void Pool::adopt(void* start, void* size, void* number) {
  start_team = reinterpret_cast<StartTeam>(start);
  team_size = reinterpret_cast<Number>(size);
  number_in_team = reinterpret_cast<Number>(number);
  adopted_in = getpid();
}

void* Pool::scratch(std::size_t bytes) {
  if (own_scratch.bytes < bytes) {
    own_scratch.give();
    own_scratch.at = take_block(bytes);
    own_scratch.bytes = bytes;
  }
  return own_scratch.at;
}

}  // namespace rnnkit
