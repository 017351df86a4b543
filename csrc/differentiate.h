// The element-wise part of the gradients: one step, the rows of a tile, the units of a panel.
#pragma once

#include "activations.h"
#include "kernels.h"

namespace rnnkit::RNNKIT_NAMESPACE {

// How a row of gates' gradients lies: what meets w_hh first, what meets w_ih from `input` on.
template <Cell C>
struct Gradients {
  // GRU: [W_hn h + b_hn | r | z | n]; so r and z stand between both uses.
  static constexpr index blocks = C == Cell::gru ? 4 : gates_of(C);
  static constexpr index recurrent = C == Cell::gru_reset_before ? 2 : C == Cell::gru ? 3 : blocks;
  static constexpr index input = C == Cell::gru ? 1 : 0;
  // The row of w_hh that the first of them belongs to, in blocks of H.
  static constexpr index first = C == Cell::gru ? 2 : 0;
};

template <class F>
struct BackRow {
  const F* dy;
  const F* extra;  // to add to the gradient of h
  const F* saved;
  const F* c;
  const F* c_before;
  const F* y;
  const F* h_before;
  const F* dropout;  // or null
  F* ddropout;       // or null
  F* dc;
  F* carry;  // what goes past the gates to the h before
  F* d;      // the gates' gradients
};

// The gradients at one step for the rows of a tile and the units of a panel.
template <class F, Cell C, int N>
inline void differentiate_tile(const BackRow<F>* rows, index R, index panel, const F* sums,
                               index H) {
  constexpr index W = kWidth<F>;
  for (index r = 0; r < R; ++r) {
    const BackRow<F>& row = rows[r];
#pragma GCC unroll 4
    for (int v = 0; v < N; ++v) {
      const index j = (panel * N + v) * W, n = H - j;
      if (n <= 0) break;
      Vec<F> product = load(sums + (r * N + v) * W);
      if (row.ddropout != nullptr)
        store_to(row.ddropout + j,
                 load_to(row.ddropout + j, n) + product * load_to(row.y + j, n), n);
      if (row.dropout != nullptr) product *= load_to(row.dropout + j, n);
      const Vec<F> dh = product + load_to(row.extra + j, n) + load_to(row.dy + j, n);
      if constexpr (C == Cell::rnn_tanh) {
        const Vec<F> y = load_to(row.y + j, n);
        store_to(row.d + j, dh * (F(1) - y * y), n);
      } else if constexpr (C == Cell::rnn_relu) {
        const Vec<F> y = load_to(row.y + j, n);
        store_to(row.d + j, y > 0 ? dh : Vec<F>{}, n);
      } else if constexpr (C == Cell::lstm) {
        const Vec<F> i = load_to(row.saved + j, n), f = load_to(row.saved + H + j, n);
        const Vec<F> g = load_to(row.saved + 2 * H + j, n);
        const Vec<F> o = load_to(row.saved + 3 * H + j, n);
        const Vec<F> c = tanh<F>(load_to(row.c + j, n));
        const Vec<F> dc = load_to(row.dc + j, n) + dh * o * (F(1) - c * c);
        store_to(row.dc + j, dc * f, n);
        store_to(row.d + j, dc * g * i * (F(1) - i), n);
        store_to(row.d + H + j, dc * load_to(row.c_before + j, n) * f * (F(1) - f), n);
        store_to(row.d + 2 * H + j, dc * i * (F(1) - g * g), n);
        store_to(row.d + 3 * H + j, dh * c * o * (F(1) - o), n);
      } else {
        const Vec<F> reset = load_to(row.saved + j, n), z = load_to(row.saved + H + j, n);
        const Vec<F> n_gate = load_to(row.saved + 2 * H + j, n);
        const Vec<F> dn = dh * (F(1) - z) * (F(1) - n_gate * n_gate);
        const Vec<F> dz = dh * (load_to(row.h_before + j, n) - n_gate) * z * (F(1) - z);
        store_to(row.carry + j, dh * z, n);
        if constexpr (C == Cell::gru) {
          const Vec<F> dr = dn * load_to(row.saved + 3 * H + j, n) * reset * (F(1) - reset);
          store_to(row.d + j, dn * reset, n);
          store_to(row.d + H + j, dr, n);
          store_to(row.d + 2 * H + j, dz, n);
          store_to(row.d + 3 * H + j, dn, n);
        } else {
          store_to(row.d + H + j, dz, n);
          store_to(row.d + 2 * H + j, dn, n);
        }
      }
    }
  }
}

// GRU with the reset before the product: through W_hn (r * h), once dn is known.
template <class F, int N>
inline void differentiate_reset(const BackRow<F>* rows, index R, index panel, const F* sums,
                                index H) {
  constexpr index W = kWidth<F>;
  for (index r = 0; r < R; ++r) {
    const BackRow<F>& row = rows[r];
    for (int v = 0; v < N; ++v) {
      const index j = (panel * N + v) * W, n = H - j;
      if (n <= 0) break;
      const Vec<F> reset = load_to(row.saved + j, n);
      Vec<F> product = load(sums + (r * N + v) * W);
      if (row.ddropout != nullptr)
        store_to(row.ddropout + j,
                 load_to(row.ddropout + j, n) +
                     product * reset * load_to(row.h_before + j, n),
                 n);
      if (row.dropout != nullptr) product *= load_to(row.dropout + j, n);
      const Vec<F> dr = product * load_to(row.h_before + j, n) * reset * (F(1) - reset);
      store_to(row.d + j, dr, n);
      store_to(row.carry + j, load_to(row.carry + j, n) + product * reset, n);
    }
  }
}

}  // namespace rnnkit::RNNKIT_NAMESPACE
