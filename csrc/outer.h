// Sums of outer products, C (M, N) += sum over rows of a_row (M) b_row (N): gradients of weights.
#pragma once

#include "product.h"

namespace rnnkit::RNNKIT_NAMESPACE {

constexpr int kOuterRows = tile_rows(3);  // of C in a tile; three vectors of its columns

template <class F, int N>
void outer_tile(const F* a, const F* b, index K, F* c, index stride, index rows, index columns) {
  constexpr int R = kOuterRows;
  Vec<F> sums[R][N] = {};
  for (index k = 0; k < K; ++k) {
    Vec<F> y[N];
#pragma GCC unroll 4
    for (int v = 0; v < N; ++v) y[v] = load(b + (k * N + v) * kWidth<F>);
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      const Vec<F> x = splat<F>(a[k * R + r]);
#pragma GCC unroll 4
      for (int v = 0; v < N; ++v) sums[r][v] += x * y[v];
    }
  }
  alignas(kBytes) F out[R][N * kWidth<F>];
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < N; ++v) store(out[r] + v * kWidth<F>, sums[r][v]);
  for (index r = 0; r < rows; ++r)
    for (index v = 0; v < N; ++v) {
      const index left = columns - v * kWidth<F>;
      F* to = c + r * stride + v * kWidth<F>;
      store_to(to, load_to(to, left) + load(out[r] + v * kWidth<F>), left);
    }
}

// Elements of scratch that add_outer needs for K rows.
template <class F>
index outer_scratch(index K, index M) {
  return K * (ceil_div(M, kOuterRows) * kOuterRows + 3 * kWidth<F>) + 2 * kWidth<F>;
}

// c[m - first][n] += sum over k < K of a[k][m] * b[k][n], for m in [first, last) and n < N.
// `scratch` is aligned to kBytes.
template <class F>
void add_outer(const F* const* a, index first, index last, const F* const* b, index N, index K,
               F* c, index stride, F* scratch) {
  if (K == 0 || first >= last || N == 0) return;
  constexpr index R = kOuterRows, W = kWidth<F>;
  const index tiles = ceil_div(last - first, R);
  F* packed_b = scratch;
  F* packed_a = scratch + K * 3 * W;
  for (index m = 0; m < tiles; ++m) {
    F* to = packed_a + m * K * R;
    const index some = smaller(R, last - first - m * R);
    for (index k = 0; k < K; ++k, to += R) {
      const F* from = a[k] + first + m * R;
      if (some == R) {
        for (index r = 0; r < R; ++r) to[r] = from[r];
      } else {
        for (index r = 0; r < R; ++r) to[r] = r < some ? from[r] : F(0);
      }
    }
  }
  for (index n = 0; n < N;) {
    const index vectors = smaller(3, ceil_div(N - n, W));
    for (index k = 0; k < K; ++k)
      for (index v = 0; v < vectors; ++v)
        store(packed_b + (k * vectors + v) * W, load_to(b[k] + n + v * W, N - n - v * W));
    for (index m = 0; m < tiles; ++m) {
      const F* from = packed_a + m * K * R;
      const index rows = smaller(R, last - first - m * R);
      F* to = c + m * R * stride + n;
      if (vectors == 3)
        outer_tile<F, 3>(from, packed_b, K, to, stride, rows, N - n);
      else if (vectors == 2)
        outer_tile<F, 2>(from, packed_b, K, to, stride, rows, N - n);
      else
        outer_tile<F, 1>(from, packed_b, K, to, stride, rows, N - n);
    }
    n += vectors * W;
  }
}

// sums[m - first] += sum over k of a[k][m], for m in [first, last).
template <class F>
void add_rows(const F* const* a, index first, index last, index K, F* sums) {
  for (index m = first; m < last; m += kWidth<F>) {
    const index left = last - m;
    Vec<F> sum = load_to(sums + (m - first), left);
    for (index k = 0; k < K; ++k) sum += load_to(a[k] + m, left);
    store_to(sums + (m - first), sum, left);
  }
}

}  // namespace rnnkit::RNNKIT_NAMESPACE
