// Vectors of one width, for the instruction set that the including file is compiled for.
//
// Everything here and in the headers that include it lives in a namespace of its own for each
// instruction set (RNNKIT_NAMESPACE), and no function of the standard library is used: the linker
// keeps one copy of an inline function, and that copy might hold instructions a machine lacks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#if defined(__AVX512F__) || defined(__AVX2__)
#include <immintrin.h>
#endif

namespace rnnkit::RNNKIT_NAMESPACE {

using index = std::ptrdiff_t;

#if defined(__AVX512F__)
constexpr index kBytes = 64;
#elif defined(__AVX2__)
constexpr index kBytes = 32;
#else
constexpr index kBytes = 16;
#endif

template <class F>
struct Integer;
template <>
struct Integer<float> {
  using type = std::int32_t;
};
template <>
struct Integer<double> {
  using type = std::int64_t;
};

template <class F>
struct Simd {
  using Int = typename Integer<F>::type;
  typedef F vec __attribute__((vector_size(kBytes)));
  typedef F unaligned __attribute__((vector_size(kBytes), aligned(alignof(F)), may_alias));
  typedef Int ivec __attribute__((vector_size(kBytes)));
  static constexpr index width = kBytes / static_cast<index>(sizeof(F));
};

template <class F>
using Vec = typename Simd<F>::vec;

template <class F>
constexpr index kWidth = Simd<F>::width;

template <class F>
inline Vec<F> splat(F value) {
  return value - Vec<F>{};  // exact, and folded to a broadcast; plus would lose -0
}

template <class F>
inline Vec<F> load(const F* from) {
  return *reinterpret_cast<const typename Simd<F>::unaligned*>(from);
}

template <class F>
inline void store(F* to, Vec<F> value) {
  *reinterpret_cast<typename Simd<F>::unaligned*>(to) = value;
}

#if defined(__AVX512F__)
inline Vec<float> load_some(const float* from, index n) {
  return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << n) - 1), from);
}
inline Vec<double> load_some(const double* from, index n) {
  return _mm512_maskz_loadu_pd(static_cast<__mmask8>((1u << n) - 1), from);
}
inline void store_some(float* to, Vec<float> value, index n) {
  _mm512_mask_storeu_ps(to, static_cast<__mmask16>((1u << n) - 1), value);
}
inline void store_some(double* to, Vec<double> value, index n) {
  _mm512_mask_storeu_pd(to, static_cast<__mmask8>((1u << n) - 1), value);
}
#else
// A vector's first n elements, 0 < n < width; the others are neither read nor written.
template <class F>
inline Vec<F> load_some(const F* from, index n) {
  F lanes[kWidth<F>] = {};
  for (index i = 0; i < n; ++i) lanes[i] = from[i];
  return load(lanes);
}
template <class F>
inline void store_some(F* to, Vec<F> value, index n) {
  F lanes[kWidth<F>];
  store(lanes, value);
  for (index i = 0; i < n; ++i) to[i] = lanes[i];
}
#endif

// The first n elements where n is below the width, else all of them; the rest are zero.
template <class F>
inline Vec<F> load_to(const F* from, index n) {
  return n >= kWidth<F> ? load(from) : load_some(from, n);
}
template <class F>
inline void store_to(F* to, Vec<F> value, index n) {
  if (n >= kWidth<F>)
    store(to, value);
  else
    store_some(to, value, n);
}

// a0 b0 a1 b1 ... of the lower, and of the upper halves of two vectors.
template <class F, index... I>
inline Vec<F> interleave(Vec<F> a, Vec<F> b, index from, std::integer_sequence<index, I...>) {
  constexpr index W = kWidth<F>;
#if defined(__clang__)
  return from == 0 ? __builtin_shufflevector(a, b, (I % 2 * W + I / 2)...)
                   : __builtin_shufflevector(a, b, (I % 2 * W + I / 2 + W / 2)...);
#else
  using Int = typename Simd<F>::Int;
  return from == 0
             ? __builtin_shuffle(a, b, typename Simd<F>::ivec{Int(I % 2 * W + I / 2)...})
             : __builtin_shuffle(a, b, typename Simd<F>::ivec{Int(I % 2 * W + I / 2 + W / 2)...});
#endif
}
template <class F>
inline Vec<F> interleave_low(Vec<F> a, Vec<F> b) {
  return interleave<F>(a, b, 0, std::make_integer_sequence<index, kWidth<F>>{});
}
template <class F>
inline Vec<F> interleave_high(Vec<F> a, Vec<F> b) {
  return interleave<F>(a, b, 1, std::make_integer_sequence<index, kWidth<F>>{});
}

template <class F>
inline void copy(F* to, const F* from, index count) {
  if (count > 0) std::memcpy(to, from, sizeof(F) * std::size_t(count));
}
template <class F>
inline void fill_zero(F* to, index count) {
  if (count > 0) std::memset(to, 0, sizeof(F) * std::size_t(count));
}

inline index smaller(index a, index b) { return a < b ? a : b; }
inline index larger(index a, index b) { return a > b ? a : b; }
inline index ceil_div(index a, index b) { return (a + b - 1) / b; }

}  // namespace rnnkit::RNNKIT_NAMESPACE
