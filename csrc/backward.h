// The gradients of a whole sequence a call, from what the forward pass saved.
//
// From the last step run to the first: the product of the gates' gradients with w_hh, and in its
// epilogue the gradients of the gates one step before. What does not wait for one another, the
// gradients of the weights and of x, follows a chunk of steps at a time.
#pragma once

#include "differentiate.h"
#include "forward.h"

namespace rnnkit::RNNKIT_NAMESPACE {

template <class F>
struct BackwardShape {
  index width, N, panels, chunk;
  Split x;     // of the columns of w_ih
  bool narrow;  // few inputs: the gradient of w_ih is summed transposed
};

template <class F>
struct BackwardScratch {
  F *packed_hh, *packed_n, *packed_ih, *zeros;
  F *d, *kept, *dc, *carry, *fed, *reset;          // of a thread, or shared where it shares rows
  F *outer, *dw_ih, *dw_hh, *db_ih, *db_hh, *dw_t;  // of a thread
};

template <class F>
struct BackBuffers {
  const F **last, **extra;        // (rows)
  BackRow<F>* step;               // (rows)
  const F **step_last, **step_n;  // (rows)
  const F **list_d, **list_input, **list_x, **list_fed, **list_reset;  // (chunk * rows)
  const F **list_h, **list_dropout, **list_r;
  F** list_dx;
};

template <class F, Cell C>
BackwardShape<F> backward_shape(const Backward<F>& p, const Plan& plan) {
  const Forward<F>& f = p.forward;
  BackwardShape<F> s;
  s.width = Gradients<C>::blocks * f.H;
  const index blocks = ceil_div(f.H, kWidth<F>);
  s.N = blocks_in_panel(blocks);
  s.panels = ceil_div(blocks, s.N);
  s.x = split(ceil_div(f.I, kWidth<F>));
  s.chunk = chunk_steps(f, plan.by_units ? f.B : ceil_div(f.B, plan.threads), s.width);
  s.narrow = 2 * f.I <= kWidth<F>;
  return s;
}

template <class F, Cell C>
void prepare_backward(const Backward<F>& p, const BackwardShape<F>& s, const Share& share,
                      const BackwardScratch<F>& at) {
  const Forward<F>& f = p.forward;
  const index H = f.H;
  const Range mine = part(s.panels, share.thread, share.threads);
  const Panels panels{mine.first, mine.last};
  if constexpr (C == Cell::gru) {  // n's rows of w_hh come first
    pack_columns(f.w_hh + 2 * H * H, H, 3 * H, H, H, s.N, panels, at.packed_hh);
    pack_columns(f.w_hh, 2 * H, 3 * H, H, H, s.N, panels,
                 at.packed_hh + H * s.N * kWidth<F>);
  } else {
    constexpr index blocks = Gradients<C>::recurrent;
    pack_columns(f.w_hh, blocks * H, blocks * H, H, H, s.N, panels, at.packed_hh);
    if constexpr (C == Cell::gru_reset_before)
      pack_columns(f.w_hh + 2 * H * H, H, H, H, H, s.N, panels, at.packed_n);
  }
  if (p.dx != nullptr && f.tokens == nullptr) {
    const index K = gates_of(C) * H;
    s.x.each([&](index vectors, index first, index count) {
      const Range xs = part(count, share.thread, share.threads);
      const index column = first * kWidth<F>;
      pack_columns(f.w_ih + column, K, K, f.I - column, f.I, vectors, {xs.first, xs.last},
                   at.packed_ih + column * K);
    });
  }
}

// The step of the forward pass before its n-th at which row b counts, or -1.
template <class F>
inline index step_before(const Forward<F>& f, index b, index n) {
  do --n;
  while (n >= 0 && !counts(f, b, step_at(f, n)));
  return n;
}

// The gradients of weights and of x from the `count` rows of a chunk.
template <class F, Cell C>
void finish_chunk(const Backward<F>& p, const BackwardShape<F>& s, const Share& share,
                  const BackwardScratch<F>& at, const BackBuffers<F>& b, index count) {
  const Forward<F>& f = p.forward;
  constexpr index W = kWidth<F>;
  const index H = f.H, GH = gates_of(C) * H;
  const Range whole{0, count};
  const Range rows = share.by_units ? part(count, share.thread, share.threads) : whole;
  if (f.dropout != nullptr || C == Cell::gru_reset_before) {
    for (index k = rows.first; k < rows.last; ++k) {
      F* fed = const_cast<F*>(b.list_fed[k]);
      for (index j = 0; j < H; j += W) {
        Vec<F> h = load_to(b.list_h[k] + j, H - j);
        if (f.dropout != nullptr) {
          h *= load_to(b.list_dropout[k] + j, H - j);
          store_to(fed + j, h, H - j);
        }
        if constexpr (C == Cell::gru_reset_before)
          store_to(const_cast<F*>(b.list_reset[k]) + j, h * load_to(b.list_r[k] + j, H - j),
                   H - j);
      }
    }
    share.meet_if_by_units();
  }
  if (p.dx != nullptr) {
    if (f.tokens != nullptr) {
      for (index k = rows.first; k < rows.last; ++k)
        copy(b.list_dx[k], b.list_input[k], GH);
    } else {
      s.x.each([&](index vectors, index begin, index panels) {
        with_width(vectors, [&](auto width) {
          constexpr int N = decltype(width)::value;
          multiply<F, N>(b.list_input + rows.first, rows.size(), at.packed_ih + begin * W * GH, GH,
                         {0, panels}, [&](index first, index R, index panel, const F* sums) {
                           for (index r = 0; r < R; ++r)
                             for (int v = 0; v < N; ++v) {
                               const index j = (begin + panel * N + v) * W;
                               store_to(b.list_dx[rows.first + first + r] + j,
                                        load(sums + (r * N + v) * W), f.I - j);
                             }
                         });
        });
      });
    }
  }
  // Rows [first, last) of a list, against those of another; in a share of the gates where all
  // threads work on one chunk.
  auto outer = [&](const F* const* d, index first, index last, const F* const* others, index N,
                   F* sums) {
    const Range mine =
        share.by_units ? part(last - first, share.thread, share.threads) : Range{0, last - first};
    add_outer(d, first + mine.first, first + mine.last, others, N, count, sums + mine.first * N, N,
              at.outer);
  };
  auto add = [&](const F* const* d, index first, index last, F* sums) {
    const Range mine =
        share.by_units ? part(last - first, share.thread, share.threads) : Range{0, last - first};
    add_rows(d, first + mine.first, first + mine.last, count, sums + mine.first);
  };
  if (p.dw_ih != nullptr) {
    if (!s.narrow)
      outer(b.list_input, 0, GH, b.list_x, f.I, at.dw_ih);
    else if (!share.by_units || share.thread == 0)
      add_outer(b.list_x, 0, f.I, b.list_input, GH, count, at.dw_t, GH, at.outer);
  }
  if (p.dw_hh != nullptr) {
    if constexpr (C == Cell::gru) {
      outer(b.list_d, 0, H, b.list_fed, H, at.dw_hh + 2 * H * H);
      outer(b.list_d, H, 3 * H, b.list_fed, H, at.dw_hh);
    } else {
      outer(b.list_d, 0, Gradients<C>::recurrent * H, b.list_fed, H, at.dw_hh);
      if constexpr (C == Cell::gru_reset_before)
        outer(b.list_d, 2 * H, 3 * H, b.list_reset, H, at.dw_hh + 2 * H * H);
    }
  }
  if (p.db_ih != nullptr) add(b.list_input, 0, GH, at.db_ih);
  if (p.db_hh != nullptr) {
    if constexpr (C == Cell::gru) {
      add(b.list_d, 0, H, at.db_hh + 2 * H);
      add(b.list_d, H, 3 * H, at.db_hh);
    } else {
      add(b.list_d, 0, GH, at.db_hh);
    }
  }
}

template <class F, Cell C, int N>
void backward_rows(const Backward<F>& p, const BackwardShape<F>& s, const Share& share,
                   const BackwardScratch<F>& at, const BackBuffers<F>& b) {
  using D = Gradients<C>;
  const Forward<F>& f = p.forward;
  const index H = f.H, rows = share.rows.size(), first_row = share.rows.first;
  const bool everything = all_count(f);
  const bool leads = !share.by_units || share.thread == 0;
  const index dx_width = f.tokens != nullptr ? gates_of(C) * H : f.I;
  const Panels panels = share.panels(s.panels);
  if (share.by_units) prepare_backward<F, C>(p, s, share, at);
  for (index i = 0; i < rows; ++i) {
    const index row = first_row + i;
    b.last[i] = at.zeros;
    b.extra[i] = p.dh_last == nullptr ? at.zeros : p.dh_last + row * H;
    if (p.ddropout != nullptr && leads)
      fill_zero(p.ddropout + row * H, H);
    if (C == Cell::lstm && leads) {
      if (p.dc_last == nullptr)
        fill_zero(at.dc + i * H, H);
      else
        copy(at.dc + i * H, p.dc_last + row * H, H);
    }
  }
  share.meet_if_by_units();
  for (index end = f.T; end > 0;) {
    const index start = larger(0, end - s.chunk);
    index in_chunk = 0;
    for (index n = end - 1; n >= start; --n) {
      const index t = step_at(f, n);
      index count = 0;
      for (index i = 0; i < rows; ++i) {
        const index row = first_row + i;
        if (!everything && !counts(f, row, t)) {
          if (p.dx != nullptr && leads)
            fill_zero(p.dx + row * p.dx_row + t * p.dx_step, dx_width);
          continue;
        }
        const index before = everything ? n - 1 : step_before(f, row, n);
        const index earlier = before < 0 ? 0 : step_at(f, before);
        BackRow<F>& now = b.step[count];
        const index at_step = t * f.B + row;
        now.dy = p.dy == nullptr ? at.zeros : p.dy + row * p.dy_row + t * p.dy_step;
        now.extra = b.extra[i];
        now.y = f.y + row * f.y_row + t * f.y_step;
        now.h_before =
            before < 0 ? f.h0 + row * H : f.y + row * f.y_row + earlier * f.y_step;
        now.dropout = f.dropout == nullptr ? nullptr : f.dropout + row * H;
        now.ddropout = p.ddropout == nullptr ? nullptr : p.ddropout + row * H;
        now.d = at.d + in_chunk * s.width;
        if constexpr (saved_of(C) != 0) now.saved = f.saved + at_step * saved_of(C) * H;
        if constexpr (C == Cell::lstm) {
          now.c = f.saved_c + at_step * H;
          now.c_before = before < 0 ? f.c0 + row * H : f.saved_c + (earlier * f.B + row) * H;
          now.dc = at.dc + i * H;
        }
        b.step_last[count] = b.last[i];
        b.last[i] = now.d;
        if constexpr (C == Cell::gru || C == Cell::gru_reset_before) {
          now.carry = at.carry + i * H;
          b.extra[i] = now.carry;
        } else {
          b.extra[i] = at.zeros;
        }
        b.list_d[in_chunk] = now.d;
        b.list_input[in_chunk] = now.d + D::input * H;
        b.list_fed[in_chunk] = f.dropout == nullptr ? now.h_before : at.fed + in_chunk * H;
        b.list_h[in_chunk] = now.h_before;
        b.list_dropout[in_chunk] = now.dropout;
        if constexpr (C == Cell::gru_reset_before) {
          b.step_n[count] = now.d + 2 * H;
          b.list_r[in_chunk] = now.saved;
          b.list_reset[in_chunk] = at.reset + in_chunk * H;
        }
        if (f.tokens == nullptr) b.list_x[in_chunk] = f.x + row * f.x_row + t * f.x_step;
        if (p.dx != nullptr) b.list_dx[in_chunk] = p.dx + row * p.dx_row + t * p.dx_step;
        ++in_chunk;
        ++count;
      }
      multiply<F, N>(b.step_last, count, at.packed_hh, D::recurrent * H, panels,
                     [&](index first, index R, index panel, const F* sums) {
                       differentiate_tile<F, C, N>(b.step + first, R, panel, sums, H);
                     });
      share.meet_if_by_units();
      if constexpr (C == Cell::gru_reset_before) {
        multiply<F, N>(b.step_n, count, at.packed_n, H, panels,
                       [&](index first, index R, index panel, const F* sums) {
                         differentiate_reset<F, N>(b.step + first, R, panel, sums, H);
                       });
        share.meet_if_by_units();
      }
    }
    finish_chunk<F, C>(p, s, share, at, b, in_chunk);
    share.meet_if_by_units();
    // The next chunk lies where this one does: what a row still needs of it moves away.
    for (index i = 0; i < rows; ++i) {
      if (b.last[i] < at.d || b.last[i] >= at.d + in_chunk * s.width) continue;
      F* to = at.kept + i * s.width;
      if (!share.by_units || i % share.threads == share.thread)
        copy(to, b.last[i], D::recurrent * H);
      b.last[i] = to;
    }
    share.meet_if_by_units();
    end = start;
  }
  multiply<F, N>(b.last, rows, at.packed_hh, D::recurrent * H, panels,
                 [&](index first, index R, index panel, const F* sums) {
                   for (index r = 0; r < R; ++r) {
                     const index row = first_row + first + r;
                     for (int v = 0; v < N; ++v) {
                       const index j = (panel * N + v) * kWidth<F>, left = H - j;
                       if (left <= 0) break;
                       Vec<F> dh = load(sums + (r * N + v) * kWidth<F>);
                       if (p.ddropout != nullptr) {
                         F* to = p.ddropout + row * H + j;
                         store_to(to, load_to(to, left) + dh * load_to(f.h0 + row * H + j, left),
                                  left);
                       }
                       if (f.dropout != nullptr) dh *= load_to(f.dropout + row * H + j, left);
                       store_to(p.dh0 + row * H + j,
                                dh + load_to(b.extra[first + r] + j, left), left);
                     }
                   }
                 });
  if (C == Cell::lstm && leads)
    for (index i = 0; i < rows; ++i)
      copy(p.dc0 + (first_row + i) * H, at.dc + i * H, H);
}

template <class F, Cell C>
void backward_cell(const Backward<F>& p, int wanted, Pool& pool) {
  struct Call {
    const Backward<F>& p;
    Plan plan;
    BackwardShape<F> shape;
    BackwardScratch<F> at[kMostThreads];
    BackBuffers<F> buffers[kMostThreads];
    Barrier barrier;
    Range rows(int thread) const {
      return plan.by_units ? Range{0, p.forward.B} : rows_of(p.forward, thread, plan.threads);
    }
    void lay_out_all(Arena& arena) {
      const Forward<F>& f = p.forward;
      const index H = f.H, GH = gates_of(C) * H, W = kWidth<F>;
      const index lanes = shape.panels * shape.N * W;
      BackwardScratch<F> shared{};
      shared.packed_hh = arena.take<F>(lanes * Gradients<C>::recurrent * H);
      shared.packed_n = arena.take<F>(C == Cell::gru_reset_before ? lanes * H : 0);
      shared.packed_ih = arena.take<F>(
          p.dx != nullptr && f.tokens == nullptr ? shape.x.blocks * W * GH : 0);
      shared.zeros = arena.take<F>(shape.width);
      for (int k = 0; k < plan.threads; ++k) {
        const index n = rows(k).size(), list = n * shape.chunk;
        if (!plan.by_units || k == 0) {
          at[k] = shared;
          at[k].d = arena.take<F>(list * shape.width);
          at[k].kept = arena.take<F>(n * shape.width);
          at[k].dc = arena.take<F>(C == Cell::lstm ? n * H : 0);
          at[k].carry = arena.take<F>(saved_of(C) != 0 && C != Cell::lstm ? n * H : 0);
          at[k].fed = arena.take<F>(f.dropout != nullptr ? list * H : 0);
          at[k].reset = arena.take<F>(C == Cell::gru_reset_before ? list * H : 0);
        } else {
          at[k] = at[0];
        }
        at[k].outer = arena.take<F>(outer_scratch<F>(list));
        // The first thread, and all that share rows, add to the results themselves.
        const bool direct = plan.by_units || k == 0;
        at[k].dw_ih = direct ? p.dw_ih : arena.take<F>(p.dw_ih != nullptr ? GH * f.I : 0);
        at[k].dw_hh = direct ? p.dw_hh : arena.take<F>(p.dw_hh != nullptr ? GH * H : 0);
        at[k].db_ih = direct ? p.db_ih : arena.take<F>(p.db_ih != nullptr ? GH : 0);
        at[k].db_hh = direct ? p.db_hh : arena.take<F>(p.db_hh != nullptr ? GH : 0);
        at[k].dw_t = arena.take<F>(shape.narrow && p.dw_ih != nullptr ? GH * f.I : 0);
        BackBuffers<F>& b = buffers[k];
        b.last = arena.take<const F*>(n);
        b.extra = arena.take<const F*>(n);
        b.step = arena.take<BackRow<F>>(n);
        b.step_last = arena.take<const F*>(n);
        b.step_n = arena.take<const F*>(n);
        const F*** const lists[] = {&b.list_d,     &b.list_input, &b.list_x,      &b.list_fed,
                                    &b.list_reset, &b.list_h,     &b.list_dropout, &b.list_r};
        for (const F*** which : lists) *which = arena.take<const F*>(list);
        b.list_dx = arena.take<F*>(list);
      }
    }
    // Sums begin at zero: a thread's own, or a share of those of all.
    void begin(int thread) const {
      const Forward<F>& f = p.forward;
      const index H = f.H, GH = gates_of(C) * H;
      const BackwardScratch<F>& own = at[thread];
      auto clear = [&](F* sums, index count, const F* wanted) {
        if (wanted == nullptr) return;  // then `sums` has no place of its own
        const Range mine = plan.by_units ? part(count, thread, plan.threads) : Range{0, count};
        fill_zero(sums + mine.first, mine.size());
      };
      clear(own.dw_ih, GH * f.I, p.dw_ih);
      if (shape.narrow && p.dw_ih != nullptr && (!plan.by_units || thread == 0))
        fill_zero(own.dw_t, GH * f.I);
      clear(own.dw_hh, GH * H, p.dw_hh);
      clear(own.db_ih, GH, p.db_ih);
      clear(own.db_hh, GH, p.db_hh);
    }
    // Adds up what the threads have, in one order.
    void sum() const {
      const Forward<F>& f = p.forward;
      const index H = f.H, GH = gates_of(C) * H;
      const int parts = plan.by_units ? 1 : plan.threads;
      for (int k = 0; k < parts; ++k) {
        auto add = [&](const F* from, F* to, index count) {
          if (to == nullptr || k == 0) return;
          for (index m = 0; m < count; ++m) to[m] += from[m];
        };
        add(at[k].dw_ih, p.dw_ih, GH * f.I);
        add(at[k].dw_hh, p.dw_hh, GH * H);
        add(at[k].db_ih, p.db_ih, GH);
        add(at[k].db_hh, p.db_hh, GH);
        if (p.dw_ih != nullptr && shape.narrow)
          for (index m = 0; m < GH; ++m)
            for (index i = 0; i < f.I; ++i) p.dw_ih[m * f.I + i] += at[k].dw_t[i * GH + m];
      }
    }
  };
  const Plan plan = make_plan(p.forward, smaller_int(wanted, kMostThreads), true);
  Call call{p, plan, backward_shape<F, C>(p, plan), {}, {}, Barrier(plan.threads)};
  Arena count(nullptr);
  call.lay_out_all(count);
  Arena arena(Pool::scratch(std::size_t(count.used())));
  call.lay_out_all(arena);
  fill_zero(call.at[0].zeros, call.shape.width);
  if (!plan.by_units)
    prepare_backward<F, C>(p, call.shape, Share{0, 1, false, {0, p.forward.B}, nullptr},
                           call.at[0]);
  run_plan(
      plan, pool,
      [](void* context, int thread) {
        Call& call = *static_cast<Call*>(context);
        const Share share{thread, call.plan.threads, call.plan.by_units, call.rows(thread),
                          &call.barrier};
        call.begin(thread);
        with_width(call.shape.N, [&](auto width) {
          backward_rows<F, C, decltype(width)::value>(call.p, call.shape, share, call.at[thread],
                                                      call.buffers[thread]);
        });
      },
      &call);
  call.sum();
}

}  // namespace rnnkit::RNNKIT_NAMESPACE
