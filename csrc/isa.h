// All kernels of one instruction set, as a table.
#pragma once

#include "backward.h"
#include "forward.h"

namespace rnnkit::RNNKIT_NAMESPACE {

template <class F>
void run_forward(const Forward<F>& p, int threads, Pool& pool) {
  switch (p.cell) {
    case Cell::rnn_tanh: return forward_cell<F, Cell::rnn_tanh>(p, threads, pool);
    case Cell::rnn_relu: return forward_cell<F, Cell::rnn_relu>(p, threads, pool);
    case Cell::lstm: return forward_cell<F, Cell::lstm>(p, threads, pool);
    case Cell::gru: return forward_cell<F, Cell::gru>(p, threads, pool);
    case Cell::gru_reset_before: return forward_cell<F, Cell::gru_reset_before>(p, threads, pool);
  }
}

template <class F>
void run_backward(const Backward<F>& p, int threads, Pool& pool) {
  switch (p.forward.cell) {
    case Cell::rnn_tanh: return backward_cell<F, Cell::rnn_tanh>(p, threads, pool);
    case Cell::rnn_relu: return backward_cell<F, Cell::rnn_relu>(p, threads, pool);
    case Cell::lstm: return backward_cell<F, Cell::lstm>(p, threads, pool);
    case Cell::gru: return backward_cell<F, Cell::gru>(p, threads, pool);
    case Cell::gru_reset_before: return backward_cell<F, Cell::gru_reset_before>(p, threads, pool);
  }
}

template <class F, Vec<F> (*function)(Vec<F>)>
void apply(const F* from, F* to, index count) {
  for (index i = 0; i < count; i += kWidth<F>)
    store_to(to + i, function(load_to(from + i, count - i)), count - i);
}

constexpr Kernels make_kernels() {
  return {run_forward<float>,
          run_forward<double>,
          run_backward<float>,
          run_backward<double>,
          apply<float, sigmoid<float>>,
          apply<double, sigmoid<double>>,
          apply<float, tanh<float>>,
          apply<double, tanh<double>>};
}

}  // namespace rnnkit::RNNKIT_NAMESPACE
