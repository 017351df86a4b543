// How a call is shared by threads, and where its scratch lies.
#pragma once

#include "kernels.h"
#include "outer.h"

namespace rnnkit::RNNKIT_NAMESPACE {

// Hands out pieces of one block; with a null block it only counts.
class Arena {
 public:
  explicit Arena(void* block) : block_(static_cast<char*>(block)) {}
  template <class T>
  T* take(index count) {
    char* at = block_ == nullptr ? nullptr : block_ + used_;
    used_ += (count * index(sizeof(T)) + 63) / 64 * 64;
    return reinterpret_cast<T*>(at);
  }
  index used() const { return used_; }

 private:
  char* block_;
  index used_ = 0;
};

template <class F>
inline bool counts(const Forward<F>& p, index b, index t) {
  const Steps& s = p.steps;
  return (s.begin == nullptr || s.begin[b] <= t) && (s.end == nullptr || t < s.end[b]) &&
         (s.mask == nullptr || s.mask[b * p.T + t] != 0);
}

template <class F>
inline bool all_count(const Forward<F>& p) {
  return p.steps.begin == nullptr && p.steps.end == nullptr && p.steps.mask == nullptr;
}

// The n-th step in the order in which they are run.
template <class F>
inline index step_at(const Forward<F>& p, index n) {
  return p.reverse ? p.T - 1 - n : n;
}

// Blocks of units side by side in a panel: as few lanes as possible stay empty.
inline index blocks_in_panel(index blocks) {
  index best = 1, waste = blocks;
  for (index u = smaller(kMostVectors, blocks); u >= 1; --u) {
    const index empty = ceil_div(blocks, u) * u - blocks;
    if (empty < waste) best = u, waste = empty;
  }
  return best;
}

// Blocks of columns in panels of as even a width as can be: first those of `wide` blocks, then those
// of one less.
struct Split {
  index blocks, wide, wides, narrows;
  // Calls run(width, first block, panels) for both kinds, where there are any.
  template <class Run>
  void each(Run&& run) const {
    if (wides > 0) run(wide, index(0), wides);
    if (narrows > 0) run(wide - 1, wide * wides, narrows);
  }
};

inline Split split(index blocks) {
  if (blocks == 0) return {0, 0, 0, 0};
  const index panels = ceil_div(blocks, kMostVectors), wide = ceil_div(blocks, panels);
  const index wides = blocks - panels * (wide - 1);
  return {blocks, wide, wides, panels - wides};
}

// Either every thread takes rows of its own through all steps, or, where the recurrent weights
// exceed a core's own cache or rows are too few, all threads take all rows, each some of the units,
// and meet after every step.
struct Plan {
  int threads;
  bool by_units;
  bool brief;  // done in a fraction of a millisecond: see Pool::run
};

constexpr double kBriefWork = 1e8;  // operations

template <class F>
Plan make_plan(const Forward<F>& p, int threads, bool backward) {
  const index G = gates_of(p.cell);
  const index blocks = ceil_div(p.H, kWidth<F>);
  const double rows = double(p.B);
  const double work = 2.0 * rows * double(p.T) * double(G * p.H) * double(p.H + p.I) *
                      (backward ? 2.0 : 1.0);
  const double weights = double(G * p.H * p.H) * double(sizeof(F));
  // A start costs some microseconds; a meeting some tenths of one.
  if (threads <= 1 || work < 1e6) return {1, false, true};
  const index rows_of_tile = tile_rows(static_cast<int>(smaller(G, kMostVectors)));
  const bool few_rows = p.B < threads * 2 || (p.B < threads * rows_of_tile && weights > 131072.0);
  const double step = 2.0 * rows * double(G * p.H) * double(p.H);
  if ((weights > 786432.0 || few_rows) && step >= 131072.0 && blocks >= threads)
    return {threads, true, false};
  const int most = static_cast<int>(smaller(threads, p.B));
  return {most, false, work < kBriefWork};
}

constexpr int kMostThreads = 64;
inline int smaller_int(int a, int b) { return a < b ? a : b; }

template <int N>
struct Constant {
  static constexpr int value = N;
};

// Calls run(Constant<width>) for a width of 1 to 4 that is known only now.
template <class Run>
inline void with_width(index width, Run&& run) {
  switch (width) {
    case 1: return run(Constant<1>{});
    case 2: return run(Constant<2>{});
    case 3: return run(Constant<3>{});
    default: return run(Constant<4>{});
  }
}

struct Range {
  index first, last;
  index size() const { return last - first; }
};

inline Range part(index count, int thread, int threads) {
  return {count * thread / threads, count * (thread + 1) / threads};
}

// Rows first..last of thread `thread`, such that every thread has about as many steps.
template <class F>
Range rows_of(const Forward<F>& p, int thread, int threads) {
  if (threads == 1) return {0, p.B};
  if (all_count(p)) return part(p.B, thread, threads);
  auto steps_of = [&](index b) {
    const index first = p.steps.begin == nullptr ? 0 : p.steps.begin[b];
    const index last = p.steps.end == nullptr ? p.T : p.steps.end[b];
    return larger(0, last - first) + 1;
  };
  index total = 0;
  for (index b = 0; b < p.B; ++b) total += steps_of(b);
  auto border = [&](int k) {
    index sum = 0, b = 0;
    while (b < p.B && sum * threads < total * k) sum += steps_of(b++);
    return k == threads ? p.B : b;
  };
  return {border(thread), border(thread + 1)};
}

// What a thread does: its rows and its panels of the matrices that have units as columns.
struct Share {
  int thread, threads;
  bool by_units;
  Range rows;
  Barrier* barrier;
  void meet_if_by_units() const {
    if (by_units) barrier->wait();
  }
  Panels panels(index count) const {
    if (!by_units) return {0, count};
    const Range mine = part(count, thread, threads);
    return {mine.first, mine.last};
  }
};

// Runs task(context, thread) for every thread of a plan.
inline void run_plan(const Plan& plan, Pool& pool, Pool::Task task, void* context) {
  if (plan.by_units)
    pool.run_together(plan.threads, task, context);
  else
    pool.run(plan.threads, task, context, plan.brief);
}

// Steps run before the products that can wait are made up for: enough rows for these to be fast,
// few enough for them to be in cache still.
template <class F>
index chunk_steps(const Forward<F>& p, index rows, index width) {
  const index fit = 196608 / (larger(1, width) * index(sizeof(F)));
  const index wanted = smaller(larger(fit, 256), 512);
  return smaller(p.T, larger(1, wanted / larger(1, rows)));
}

}  // namespace rnnkit::RNNKIT_NAMESPACE
