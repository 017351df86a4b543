// Products of a list of rows by a packed matrix, in tiles that stay in registers.
//
// A panel holds, for every k, `vectors` adjacent vectors of columns. A tile of up to kRows<F,
// vectors> rows by one panel is accumulated in registers and handed over in a small buffer; what
// becomes of it is the caller's (an epilogue), so that no product is ever stored in full.
#pragma once

#include "simd.h"

namespace rnnkit::RNNKIT_NAMESPACE {

constexpr int kMostVectors = 4;

// Rows of a tile: accumulators, a panel's vectors and one broadcast fit the registers.
constexpr int tile_rows(int vectors) {
#if defined(__AVX512F__)
  return vectors == 1 ? 12 : vectors == 2 ? 12 : vectors == 3 ? 8 : 6;
#else
  return vectors == 1 ? 8 : vectors == 2 ? 6 : vectors == 3 ? 4 : 3;
#endif
}
constexpr int kMostRows = 12;

// out[r * N + v] = sum over k of rows[r][k] * panel[k * N + v]. The sum runs in the order of k
// whatever R and N are, so that a row's result does not depend on the rows beside it.
template <class F, int R, int N>
void multiply_tile(const F* const* rows, const F* panel, index K, F* out) {
  Vec<F> sums[R][N] = {};
  const F* a[R];
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) a[r] = rows[r];
  for (index k = 0; k < K; ++k) {
    Vec<F> b[N];
#pragma GCC unroll 4
    for (int v = 0; v < N; ++v) b[v] = load(panel + (k * N + v) * kWidth<F>);
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      const Vec<F> x = splat<F>(a[r][k]);
#pragma GCC unroll 4
      for (int v = 0; v < N; ++v) sums[r][v] += x * b[v];
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < N; ++v) store(out + (r * N + v) * kWidth<F>, sums[r][v]);
}

template <class F, int N>
void multiply_rows(int R, const F* const* rows, const F* panel, index K, F* out) {
  if constexpr (tile_rows(N) >= 12) {
    switch (R) {
      case 12: return multiply_tile<F, 12, N>(rows, panel, K, out);
      case 11: return multiply_tile<F, 11, N>(rows, panel, K, out);
      case 10: return multiply_tile<F, 10, N>(rows, panel, K, out);
      case 9: return multiply_tile<F, 9, N>(rows, panel, K, out);
    }
  }
  if constexpr (tile_rows(N) >= 8) {
    switch (R) {
      case 8: return multiply_tile<F, 8, N>(rows, panel, K, out);
      case 7: return multiply_tile<F, 7, N>(rows, panel, K, out);
    }
  }
  if constexpr (tile_rows(N) >= 6) {
    switch (R) {
      case 6: return multiply_tile<F, 6, N>(rows, panel, K, out);
      case 5: return multiply_tile<F, 5, N>(rows, panel, K, out);
    }
  }
  if constexpr (tile_rows(N) >= 4) {
    if (R == 4) return multiply_tile<F, 4, N>(rows, panel, K, out);
  }
  switch (R) {
    case 3: return multiply_tile<F, 3, N>(rows, panel, K, out);
    case 2: return multiply_tile<F, 2, N>(rows, panel, K, out);
    default: return multiply_tile<F, 1, N>(rows, panel, K, out);
  }
}

// Where a packed matrix and the rows that meet it are walked: panels [first, last).
struct Panels {
  index first, last;
};

// Calls done(row, R, panel, sums) for every tile of `count` rows and every panel. A matrix that
// fits the inner cache is walked once for each tile of rows; of a larger one, each panel meets all
// rows while it is at hand.
template <class F, int N, class Done>
void multiply(const F* const* rows, index count, const F* packed, index K, Panels panels,
              Done&& done) {
  if (count == 0) return;
  alignas(kBytes) F sums[kMostRows * kMostVectors * kWidth<F>];
  constexpr index most = tile_rows(N);
  const index panel_size = K * N * kWidth<F>;
  const index tiles = ceil_div(count, most), each = count / tiles, more = count % tiles;
  constexpr index kInnerCache = 512 * 1024;
  const bool rows_first =
      panel_size * (panels.last - panels.first) * index(sizeof(F)) <= kInnerCache;
  auto one = [&](index row, index R, index panel) {
    multiply_rows<F, N>(static_cast<int>(R), rows + row, packed + panel * panel_size, K, sums);
    done(row, R, panel, static_cast<const F*>(sums));
  };
  if (rows_first) {
    for (index i = 0, row = 0; i < tiles; ++i) {
      const index R = each + (i < more);
      for (index panel = panels.first; panel < panels.last; ++panel) one(row, R, panel);
      row += R;
    }
  } else {
    for (index panel = panels.first; panel < panels.last; ++panel) {
      for (index i = 0, row = 0; i < tiles; ++i) {
        const index R = each + (i < more);
        one(row, R, panel);
        row += R;
      }
    }
  }
}

// --- packing

// Columns side by side: panel p holds matrix[k][p * N * width ...], zero beyond `columns`, for
// K rows k of the `all` that a panel has.
template <class F>
void pack_columns(const F* matrix, index K, index all, index columns, index stride, index N,
                  Panels panels, F* packed) {
  const index across = N * kWidth<F>;
  for (index k = 0; k < K; ++k)  // a row at a time: memory is read in its order
    for (index p = panels.first; p < panels.last; ++p) {
      const F* from = matrix + k * stride + p * across;
      F* to = packed + (p * all + k) * across;
      for (index v = 0; v < N; ++v) {
        const index left = columns - p * across - v * kWidth<F>;
        store(to + v * kWidth<F>, left <= 0 ? Vec<F>{} : load_to(from + v * kWidth<F>, left));
      }
    }
}

template <class F>
inline void transpose_block(Vec<F> (&block)[kWidth<F>]) {
  // Each round of a perfect shuffle moves one bit of an element's row to its column.
  constexpr index W = kWidth<F>;
#pragma GCC unroll 4
  for (index round = 1; round < W; round *= 2) {
    Vec<F> shuffled[W];
#pragma GCC unroll 8
    for (index i = 0; i < W / 2; ++i) {
      shuffled[2 * i] = interleave_low<F>(block[i], block[i + W / 2]);
      shuffled[2 * i + 1] = interleave_high<F>(block[i], block[i + W / 2]);
    }
#pragma GCC unroll 16
    for (index i = 0; i < W; ++i) block[i] = shuffled[i];
  }
}

// The transpose of gates' weights (G * H, K): panel p holds, for every k, the vectors of
// U blocks of width units, all G gates of a block side by side; zero beyond H.
template <class F>
void pack_gates(const F* weight, index G, index H, index K, index U, Panels panels, F* packed) {
  constexpr index W = kWidth<F>;
  const index N = G * U;
  for (index p = panels.first; p < panels.last; ++p)
    for (index u = 0; u < U; ++u)
      for (index g = 0; g < G; ++g) {
        const index unit = (p * U + u) * W;
        const index units = smaller(W, larger(0, H - unit));
        F* to = packed + p * K * N * W + (u * G + g) * W;
        for (index k = 0; k < K; k += W) {
          Vec<F> block[W];
          for (index i = 0; i < W; ++i)
            block[i] = i < units ? load_to(weight + (g * H + unit + i) * K + k, K - k) : Vec<F>{};
          transpose_block<F>(block);
          for (index i = 0; i < smaller(W, K - k); ++i) store(to + (k + i) * N * W, block[i]);
        }
      }
}

}  // namespace rnnkit::RNNKIT_NAMESPACE
