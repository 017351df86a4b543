// Sums of outer products, C (M, N) += sum over rows of a_row (M) b_row (N): gradients of weights.
#pragma once

#include "product.h"

namespace rnnkit::RNNKIT_NAMESPACE {

constexpr int kOuterRows = tile_rows(3);  // of C in a tile
constexpr int kOuterVectors = 3;          // of its columns

// One tile of C. Row k of `a` holds the elements of kOuterRows rows of C from `offset` on; `b` holds
// N vectors for every k.
template <class F, int N>
void outer_tile(const F* const* a, index offset, const F* b, index K, F* c, index stride,
                index rows, index columns) {
  constexpr int R = kOuterRows;
  Vec<F> sums[R][N] = {};
  for (index k = 0; k < K; ++k) {
    const F* from = a[k] + offset;
    Vec<F> y[N];
#pragma GCC unroll 4
    for (int v = 0; v < N; ++v) y[v] = load(b + (k * N + v) * kWidth<F>);
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      const Vec<F> x = splat<F>(from[r]);
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
index outer_scratch(index K) {
  constexpr index in_pointer = (sizeof(const F*) + sizeof(F) - 1) / sizeof(F);
  return K * (kOuterVectors * kWidth<F> + kOuterRows + in_pointer);
}

// c[m - first][n] += sum over k < K of a[k][m] * b[k][n], for m in [first, last) and n < N.
// `scratch` is aligned to kBytes.
template <class F>
void add_outer(const F* const* a, index first, index last, const F* const* b, index N, index K,
               F* c, index stride, F* scratch) {
  if (K == 0 || first >= last || N == 0) return;
  constexpr index R = kOuterRows, W = kWidth<F>;
  const index tiles = ceil_div(last - first, R);
  // The rows of `a` are read where they lie, but for those of a last tile that is not full.
  F* packed_b = scratch;
  const F** rows_of_last = reinterpret_cast<const F**>(scratch + K * kOuterVectors * W);
  F* last_tile = reinterpret_cast<F*>(rows_of_last + K);
  const index in_last = last - first - (tiles - 1) * R;
  if (in_last < R)
    for (index k = 0; k < K; ++k) {
      F* to = last_tile + k * R;
      for (index r = 0; r < R; ++r) to[r] = r < in_last ? a[k][last - in_last + r] : F(0);
      rows_of_last[k] = to;
    }
  const index vectors = ceil_div(N, W), passes = ceil_div(vectors, kOuterVectors);
  for (index pass = 0, n = 0; pass < passes; ++pass) {
    const index some = vectors / passes + (pass < vectors % passes);
    for (index k = 0; k < K; ++k)
      for (index v = 0; v < some; ++v)
        store(packed_b + (k * some + v) * W, load_to(b[k] + n + v * W, N - n - v * W));
    for (index m = 0; m < tiles; ++m) {
      const bool full = m < tiles - 1 || in_last == R;
      const F* const* rows = full ? a : rows_of_last;
      const index offset = full ? first + m * R : 0, count = full ? R : in_last;
      F* to = c + m * R * stride + n;
      if (some == 3)
        outer_tile<F, 3>(rows, offset, packed_b, K, to, stride, count, N - n);
      else if (some == 2)
        outer_tile<F, 2>(rows, offset, packed_b, K, to, stride, count, N - n);
      else
        outer_tile<F, 1>(rows, offset, packed_b, K, to, stride, count, N - n);
    }
    n += some * W;
  }
}

// sums[m - first .. + N vectors] += sum over k of a[k][m ..].
template <class F, int N>
void add_vectors(const F* const* a, index m, index last, index K, F* sums) {
  Vec<F> sum[N];
#pragma GCC unroll 8
  for (int v = 0; v < N; ++v) sum[v] = load_to(sums + v * kWidth<F>, last - m - v * kWidth<F>);
  for (index k = 0; k < K; ++k)
#pragma GCC unroll 8
    for (int v = 0; v < N; ++v)
      sum[v] += load_to(a[k] + m + v * kWidth<F>, last - m - v * kWidth<F>);
#pragma GCC unroll 8
  for (int v = 0; v < N; ++v) store_to(sums + v * kWidth<F>, sum[v], last - m - v * kWidth<F>);
}

// sums[m - first] += sum over k of a[k][m], for m in [first, last).
template <class F>
void add_rows(const F* const* a, index first, index last, index K, F* sums) {
  constexpr int N = 8;  // adjacent vectors: a row's lines are read as they lie
  index m = first;
  for (; m + N * kWidth<F> <= last; m += N * kWidth<F>)
    add_vectors<F, N>(a, m, last, K, sums + (m - first));
  for (; m < last; m += kWidth<F>) add_vectors<F, 1>(a, m, last, K, sums + (m - first));
}

}  // namespace rnnkit::RNNKIT_NAMESPACE
