// What the kernels compute, in raw pointers: one layer in one direction over a batch.
//
//   B rows, T steps, I input size, H hidden size, G gates. Parameters lie as in PyTorch: w_ih
//   (G * H, I), w_hh (G * H, H), b_ih and b_hh (G * H), or null where there is no bias. Strides
//   count elements; the innermost is always 1, and what has no stride here is contiguous.
#pragma once

#include <cstddef>
#include <cstdint>

#include "pool.h"

namespace rnnkit {

enum class Cell : int { rnn_tanh, rnn_relu, lstm, gru, gru_reset_before };

// Gates, and per step and unit what a forward pass keeps for its backward pass beside y and c.
constexpr int gates_of(Cell cell) {
  return cell == Cell::lstm ? 4 : cell == Cell::gru || cell == Cell::gru_reset_before ? 3 : 1;
}
constexpr int saved_of(Cell cell) {
  return cell == Cell::lstm || cell == Cell::gru ? 4 : cell == Cell::gru_reset_before ? 3 : 0;
}

// Which steps of a row count: begin <= t < end, and where the mask is not zero. The others are
// never read, their outputs and gradients are zero, and the states pass by them.
struct Steps {
  const std::int64_t* begin = nullptr;  // (B), or null for 0
  const std::int64_t* end = nullptr;    // (B), or null for T
  const std::uint8_t* mask = nullptr;   // (B, T), or null
};

template <class F>
struct Forward {
  Cell cell;
  bool reverse;  // from the last step to the first
  std::ptrdiff_t B, T, I, H;
  Steps steps;
  const F* x;  // (B, T, I); null where the input's part of the gates is looked up
  std::ptrdiff_t x_row, x_step;
  const std::int64_t* tokens;  // (B, T): which row of `table` a step has; null where x is given
  std::ptrdiff_t tokens_row, tokens_step;
  const F* table;  // (V, G * H): w_ih e + b_ih of every entry e, without b_hh
  const F *w_ih, *w_hh, *b_ih, *b_hh;
  const F *h0, *c0;   // (B, H); c0 for LSTM
  const F* dropout;   // (B, H), scaled: what h is times before the recurrent product; or null
  F* y;               // (B, T, H)
  std::ptrdiff_t y_row, y_step;
  F *h_last, *c_last;  // (B, H)
  F* saved;            // (T, B, saved_of * H) and
  F* saved_c;          // (T, B, H) for LSTM, for the backward pass; both null in inference
};

template <class F>
struct Backward {
  Forward<F> forward;  // as it was run, with what it saved
  const F* dy;         // (B, T, H), or null for zeros
  std::ptrdiff_t dy_row, dy_step;
  const F *dh_last, *dc_last;  // (B, H), or null for zeros
  F* dx;                       // (B, T, I); (B, T, G * H) of the looked-up part; or null
  std::ptrdiff_t dx_row, dx_step;
  F *dw_ih, *dw_hh, *db_ih, *db_hh;  // as the parameters; null where none is wanted
  F *dh0, *dc0;                      // (B, H)
  F* ddropout;                       // (B, H), or null
};

// One set of kernels for each instruction set.
struct Kernels {
  void (*forward_float)(const Forward<float>&, int threads, Pool&);
  void (*forward_double)(const Forward<double>&, int threads, Pool&);
  void (*backward_float)(const Backward<float>&, int threads, Pool&);
  void (*backward_double)(const Backward<double>&, int threads, Pool&);
  void (*sigmoid_float)(const float*, float*, std::ptrdiff_t);
  void (*sigmoid_double)(const double*, double*, std::ptrdiff_t);
  void (*tanh_float)(const float*, float*, std::ptrdiff_t);
  void (*tanh_double)(const double*, double*, std::ptrdiff_t);
};

extern const Kernels kernels_portable;
#if defined(__x86_64__)
extern const Kernels kernels_avx2;
extern const Kernels kernels_avx512;
#endif

}  // namespace rnnkit
