// The recurrences forward, a whole sequence a call. The equations stand in ops/reference.py.
#pragma once

#include "activations.h"
#include "plan.h"

namespace rnnkit::RNNKIT_NAMESPACE {

// What one row has at one step.
template <class F>
struct Row {
  const F* gates;  // the input's part, (G * H)
  F* saved;        // null in inference
  const F* c;
  F* c_next;
  const F* h;
  F* y;
  F* fed;            // where h times its dropout goes, or null
  const F* dropout;  // or null
};

template <class F>
struct ForwardScratch {
  F *packed_ih, *packed_hh, *packed_n, *bias, *bias_n;
  // Of each thread, or of all where they share the rows:
  F *gates, *c, *fed, *reset;
};

template <class F>
struct ForwardShape {
  index G, U, N, panels, width, chunk_rows, chunk;
};

template <class F>
ForwardShape<F> forward_shape(const Forward<F>& p, const Plan& plan) {
  ForwardShape<F> s;
  s.G = gates_of(p.cell);
  const index blocks = ceil_div(p.H, kWidth<F>);
  s.U = s.G == 1 ? blocks_in_panel(blocks) : 1;
  s.N = s.G * s.U;
  s.panels = ceil_div(blocks, s.U);
  s.width = s.G * p.H;
  const index rows = plan.by_units ? p.B : ceil_div(p.B, plan.threads);
  s.chunk = chunk_steps(p, rows, s.width);
  return s;
}

// Whether the input's part of the gates needs a place of its own: it lies in `saved` if there is.
template <class F>
bool needs_gates(const Forward<F>& p) {
  return p.tokens == nullptr && (p.saved == nullptr || saved_of(p.cell) == 0);
}

template <class F>
void lay_out(const Forward<F>& p, const ForwardShape<F>& s, index rows, Arena& own,
             ForwardScratch<F>& at) {
  at.gates = own.take<F>(needs_gates(p) ? s.chunk * rows * s.width : 0);
  at.c = own.take<F>(p.cell == Cell::lstm && p.saved == nullptr ? rows * p.H : 0);
  at.fed = own.take<F>(p.dropout != nullptr ? 2 * rows * p.H : 0);
  at.reset = own.take<F>(p.cell == Cell::gru_reset_before ? rows * p.H : 0);
}

// The element-wise part of a step for the rows of a tile and the units of a panel.
template <class F, Cell C, int U>
inline void finish_tile(const Row<F>* rows, index R, index panel, const F* sums, index H,
                        const F* bias_n) {
  constexpr index W = kWidth<F>;
  constexpr int G = gates_of(C);
  for (index r = 0; r < R; ++r) {
    const Row<F>& row = rows[r];
    const F* sum = sums + r * G * U * W;
#pragma GCC unroll 4
    for (int u = 0; u < U; ++u) {
      const index j = (panel * U + u) * W, n = H - j;
      if (n <= 0) break;
      auto gate = [&](int g) {
        return load(sum + (u * G + g) * W) + load_to(row.gates + g * H + j, n);
      };
      Vec<F> h;
      if constexpr (C == Cell::rnn_tanh) {
        h = tanh<F>(gate(0));
      } else if constexpr (C == Cell::rnn_relu) {
        h = relu<F>(gate(0));
      } else if constexpr (C == Cell::lstm) {
        const Vec<F> i = sigmoid<F>(gate(0)), f = sigmoid<F>(gate(1));
        const Vec<F> g = tanh<F>(gate(2)), o = sigmoid<F>(gate(3));
        const Vec<F> c = f * load_to(row.c + j, n) + i * g;
        store_to(row.c_next + j, c, n);
        h = o * tanh<F>(c);
        if (row.saved != nullptr) {
          store_to(row.saved + j, i, n);
          store_to(row.saved + H + j, f, n);
          store_to(row.saved + 2 * H + j, g, n);
          store_to(row.saved + 3 * H + j, o, n);
        }
      } else if constexpr (C == Cell::gru) {
        const Vec<F> r_gate = sigmoid<F>(gate(0)), z = sigmoid<F>(gate(1));
        const Vec<F> n_h = load(sum + (u * G + 2) * W) + load_to(bias_n + j, n);
        const Vec<F> n_gate = tanh<F>(load_to(row.gates + 2 * H + j, n) + r_gate * n_h);
        h = n_gate + z * (load_to(row.h + j, n) - n_gate);
        if (row.saved != nullptr) {
          store_to(row.saved + j, r_gate, n);
          store_to(row.saved + H + j, z, n);
          store_to(row.saved + 2 * H + j, n_gate, n);
          store_to(row.saved + 3 * H + j, n_h, n);
        }
      }
      store_to(row.y + j, h, n);
      if (row.fed != nullptr) store_to(row.fed + j, h * load_to(row.dropout + j, n), n);
    }
  }
}

template <class F>
struct Buffers {
  index* last;           // (rows): which of a row's two places for h times dropout was used
  const F** h;           // (rows): the state at present
  const F** c;
  const F** fed;         // what enters the recurrent product
  Row<F>* step;          // (rows): the rows of one step
  const F** step_fed;
  const F** list_x;      // (chunk * rows): the products of a chunk
  F** list_gates;
};

template <class F>
Buffers<F> lay_out_buffers(index rows, index chunk, Arena& own) {
  Buffers<F> b;
  b.last = own.take<index>(rows);
  b.h = own.take<const F*>(rows);
  b.c = own.take<const F*>(rows);
  b.fed = own.take<const F*>(rows);
  b.step = own.take<Row<F>>(rows);
  b.step_fed = own.take<const F*>(rows);
  b.list_x = own.take<const F*>(rows * chunk);
  b.list_gates = own.take<F*>(rows * chunk);
  return b;
}

// Merges the biases and packs the weights: all of it for threads that take rows, before they begin;
// where they take units, each its own.
template <class F, Cell C>
void prepare_forward(const Forward<F>& p, const ForwardShape<F>& s, const Share& share,
                     const ForwardScratch<F>& at) {
  const index H = p.H;
  if (share.thread == 0) {
    for (index k = 0; k < s.width; ++k) {
      at.bias[k] = p.b_ih == nullptr ? F(0) : p.b_ih[k];
      if (p.b_hh != nullptr && !(C == Cell::gru && k >= 2 * H)) at.bias[k] += p.b_hh[k];
    }
    if (C == Cell::gru)
      for (index k = 0; k < H; ++k) at.bias_n[k] = p.b_hh == nullptr ? F(0) : p.b_hh[2 * H + k];
  }
  const Range mine = part(s.panels, share.thread, share.threads);
  const Panels panels{mine.first, mine.last};
  if (p.tokens == nullptr) pack_gates(p.w_ih, s.G, H, p.I, s.U, panels, at.packed_ih);
  if constexpr (C == Cell::gru_reset_before) {
    pack_gates(p.w_hh, 2, H, H, 1, panels, at.packed_hh);
    pack_gates(p.w_hh + 2 * H * H, 1, H, H, 1, panels, at.packed_n);
  } else {
    pack_gates(p.w_hh, s.G, H, H, s.U, panels, at.packed_hh);
  }
}

// GRU with the reset before the product: r and z first, then n from r * h.
template <class F>
void step_reset_before(const Forward<F>& p, const Share& share, const ForwardScratch<F>& at,
                       const Buffers<F>& b, const F** reset_rows, index count, Panels panels) {
  constexpr index W = kWidth<F>;
  const index H = p.H;
  multiply<F, 2>(b.step_fed, count, at.packed_hh, H, panels,
                 [&](index first, index R, index panel, const F* sums) {
                   const index j = panel * W, n = H - j;
                   for (index r = 0; r < R; ++r) {
                     const Row<F>& row = b.step[first + r];
                     const F* sum = sums + r * 2 * W;
                     const Vec<F> reset = sigmoid<F>(load(sum) + load_to(row.gates + j, n));
                     const Vec<F> z = sigmoid<F>(load(sum + W) + load_to(row.gates + H + j, n));
                     F* to = const_cast<F*>(reset_rows[first + r]);
                     store_to(to + j, reset * load_to(b.step_fed[first + r] + j, n), n);
                     store_to(row.y + j, z, n);  // kept there until h' is known
                     if (row.saved != nullptr) {
                       store_to(row.saved + j, reset, n);
                       store_to(row.saved + H + j, z, n);
                     }
                   }
                 });
  share.meet_if_by_units();
  multiply<F, 1>(reset_rows, count, at.packed_n, H, panels,
                 [&](index first, index R, index panel, const F* sums) {
                   const index j = panel * W, n = H - j;
                   for (index r = 0; r < R; ++r) {
                     const Row<F>& row = b.step[first + r];
                     const Vec<F> n_gate =
                         tanh<F>(load(sums + r * W) + load_to(row.gates + 2 * H + j, n));
                     const Vec<F> z = load_to(row.y + j, n);
                     const Vec<F> h = n_gate + z * (load_to(row.h + j, n) - n_gate);
                     store_to(row.y + j, h, n);
                     if (row.saved != nullptr) store_to(row.saved + 2 * H + j, n_gate, n);
                     if (row.fed != nullptr)
                       store_to(row.fed + j, h * load_to(row.dropout + j, n), n);
                   }
                 });
}

template <class F, Cell C, int U>
void forward_rows(const Forward<F>& p, const ForwardShape<F>& s, const Share& share,
                  const ForwardScratch<F>& at, const Buffers<F>& b, const F** reset_rows) {
  constexpr int G = gates_of(C), N = G * U;
  constexpr index W = kWidth<F>;
  const index H = p.H, rows = share.rows.size(), first_row = share.rows.first;
  const bool everything = all_count(p);
  const Panels panels = share.panels(s.panels);
  if (share.by_units) prepare_forward<F, C>(p, s, share, at);
  for (index i = 0; i < rows; ++i) {
    const index row = first_row + i;
    b.h[i] = p.h0 + row * H;
    b.c[i] = p.c0 == nullptr ? nullptr : p.c0 + row * H;
    b.fed[i] = b.h[i];
    b.last[i] = 0;
    if (p.dropout != nullptr) {
      F* to = at.fed + 2 * i * H;
      b.fed[i] = to;
      if (!share.by_units || share.thread == 0)
        for (index k = 0; k < H; ++k) to[k] = p.h0[row * H + k] * p.dropout[row * H + k];
    }
  }
  share.meet_if_by_units();
  const bool in_saved = p.tokens == nullptr && !needs_gates(p);
  const index saved_width = saved_of(C) * H;
  for (index start = 0; start < p.T; start += s.chunk) {
    const index steps = smaller(s.chunk, p.T - start);
    if (p.tokens == nullptr) {
      index count = 0;
      for (index k = 0; k < steps; ++k) {
        const index t = step_at(p, start + k);
        for (index i = 0; i < rows; ++i) {
          const index row = first_row + i;
          if (!everything && !counts(p, row, t)) continue;
          b.list_x[count] = p.x + row * p.x_row + t * p.x_step;
          b.list_gates[count++] = in_saved ? p.saved + (t * p.B + row) * saved_width
                                           : at.gates + (k * rows + i) * s.width;
        }
      }
      multiply<F, N>(b.list_x, count, at.packed_ih, p.I, panels,
                     [&](index first, index R, index panel, const F* sums) {
                       for (index r = 0; r < R; ++r)
                         for (int u = 0; u < U; ++u)
                           for (int g = 0; g < G; ++g) {
                             const index j = (panel * U + u) * W, n = H - j;
                             if (n <= 0) continue;
                             F* to = b.list_gates[first + r] + g * H + j;
                             const F* sum = sums + (r * N + u * G + g) * W;
                             store_to(to, load(sum) + load_to(at.bias + g * H + j, n), n);
                           }
                     });
    }
    for (index k = 0; k < steps; ++k) {
      const index t = step_at(p, start + k);
      index count = 0;
      for (index i = 0; i < rows; ++i) {
        const index row = first_row + i;
        F* y = p.y + row * p.y_row + t * p.y_step;
        if (!everything && !counts(p, row, t)) {
          if (!share.by_units || share.thread == 0) {
            fill_zero(y, H);
            if (p.saved != nullptr) fill_zero(p.saved + (t * p.B + row) * saved_width, saved_width);
            if (p.saved_c != nullptr) fill_zero(p.saved_c + (t * p.B + row) * H, H);
          }
          continue;
        }
        Row<F>& now = b.step[count];
        now.saved = p.saved == nullptr ? nullptr : p.saved + (t * p.B + row) * saved_width;
        now.gates = p.tokens != nullptr
                        ? p.table + p.tokens[row * p.tokens_row + t * p.tokens_step] * s.width
                    : in_saved ? now.saved
                               : at.gates + (k * rows + i) * s.width;
        now.h = b.h[i];
        now.y = y;
        now.fed = nullptr;
        now.dropout = nullptr;
        b.step_fed[count] = b.fed[i];
        if constexpr (C == Cell::lstm) {
          now.c = b.c[i];
          now.c_next = p.saved_c != nullptr ? p.saved_c + (t * p.B + row) * H : at.c + i * H;
          b.c[i] = now.c_next;
        }
        if constexpr (C == Cell::gru_reset_before) reset_rows[count] = at.reset + i * H;
        if (p.dropout != nullptr) {
          b.last[i] ^= 1;
          now.fed = at.fed + (2 * i + b.last[i]) * H;
          now.dropout = p.dropout + row * H;
        }
        b.h[i] = y;
        b.fed[i] = now.fed != nullptr ? now.fed : y;
        ++count;
      }
      if constexpr (C == Cell::gru_reset_before) {
        step_reset_before<F>(p, share, at, b, reset_rows, count, panels);
      } else {
        multiply<F, N>(b.step_fed, count, at.packed_hh, H, panels,
                       [&](index first, index R, index panel, const F* sums) {
                         finish_tile<F, C, U>(b.step + first, R, panel, sums, H, at.bias_n);
                       });
      }
      share.meet_if_by_units();
    }
  }
  if (share.by_units && share.thread != 0) return;
  for (index i = 0; i < rows; ++i) {
    copy(p.h_last + (first_row + i) * H, b.h[i], H);
    if (C == Cell::lstm) copy(p.c_last + (first_row + i) * H, b.c[i], H);
  }
}

template <class F, Cell C>
void forward_cell(const Forward<F>& p, int wanted, Pool& pool) {
  struct Call {
    const Forward<F>& p;
    Plan plan;
    ForwardShape<F> shape;
    ForwardScratch<F> shared;
    ForwardScratch<F> own[kMostThreads];
    Buffers<F> buffers[kMostThreads];
    const F** reset_rows[kMostThreads];
    Barrier barrier;
    Range rows(int thread) const {
      return plan.by_units ? Range{0, p.B} : rows_of(p, thread, plan.threads);
    }
    void lay_out_all(Arena& arena) {
      const index G = shape.G, lanes = shape.panels * shape.U * kWidth<F>;
      shared.packed_ih = arena.take<F>(p.tokens == nullptr ? lanes * G * p.I : 0);
      shared.packed_hh =
          arena.take<F>(lanes * (C == Cell::gru_reset_before ? 2 : G) * p.H);
      shared.packed_n = arena.take<F>(C == Cell::gru_reset_before ? lanes * p.H : 0);
      shared.bias = arena.take<F>(shape.width);
      shared.bias_n = arena.take<F>(p.H);
      for (int k = 0; k < plan.threads; ++k) {
        own[k] = shared;
        const index count = rows(k).size();
        if (!plan.by_units || k == 0)
          lay_out(p, shape, count, arena, own[k]);
        else
          own[k] = own[0];
        buffers[k] = lay_out_buffers<F>(count, shape.chunk, arena);
        reset_rows[k] = arena.take<const F*>(C == Cell::gru_reset_before ? count : 0);
      }
    }
  };
  const Plan plan = make_plan(p, smaller_int(wanted, kMostThreads), false);
  Call call{p, plan, forward_shape(p, plan), {}, {}, {}, {}, Barrier(plan.threads)};
  Arena count(nullptr);
  call.lay_out_all(count);
  Arena arena(Pool::scratch(std::size_t(count.used())));
  call.lay_out_all(arena);
  if (!plan.by_units)
    prepare_forward<F, C>(p, call.shape, Share{0, 1, false, {0, p.B}, nullptr}, call.shared);
  run_plan(
      plan, pool,
      [](void* context, int thread) {
        Call& call = *static_cast<Call*>(context);
        const Share share{thread, call.plan.threads, call.plan.by_units, call.rows(thread),
                          &call.barrier};
        auto run = [&](auto width) {
          forward_rows<F, C, decltype(width)::value>(call.p, call.shape, share, call.own[thread],
                                                     call.buffers[thread],
                                                     call.reset_rows[thread]);
        };
        if constexpr (gates_of(C) == 1) {
          with_width(call.shape.U, run);
        } else {
          run(Constant<1>{});
        }
      },
      &call);
}

}  // namespace rnnkit::RNNKIT_NAMESPACE
