// exp, the logistic function and tanh on vectors, within 4 units in the last place everywhere.
//
// With n = round(y / ln 2) and r = y - n ln 2 (Cody and Waite's two steps), e^y = 2^n (1 + r q(r)),
// q being a minimax polynomial for (e^r - 1) / r on |r| <= ln(2) / 2. Both functions take y <= 0,
// so that nothing overflows; NaN passes through.
#pragma once

#include "simd.h"

namespace rnnkit::RNNKIT_NAMESPACE {

template <class F>
struct Exponent;

template <>
struct Exponent<float> {
  static constexpr int fraction_bits = 23, bias = 127;
  static constexpr float shifter = 12582912.0f;  // 1.5 * 2^23: adding it rounds to a whole number
  static constexpr float log2e = 1.44269504088896341f;
  static constexpr float ln2_high = 0.693145751953125f, ln2_low = 1.42860682030941723e-6f;
  static constexpr float lowest = -104.0f;  // e^y is zero below
  static constexpr float one_minus_tanh = -20.0f;  // tanh(-y / 2) is one below
  static constexpr float q[] = {1.0000000108039523f,   0.50000000134981779f,
                                1.6666504936963597e-1f, 4.1666464602026542e-2f,
                                8.3691843822919614e-3f, 1.3933685862617174e-3f};
};

template <>
struct Exponent<double> {
  static constexpr int fraction_bits = 52, bias = 1023;
  static constexpr double shifter = 6755399441055744.0;  // 1.5 * 2^52
  static constexpr double log2e = 1.44269504088896341;
  static constexpr double ln2_high = 0.693147180369123816490;  // its last 21 bits are zero
  static constexpr double ln2_low = 1.90821492927058770002e-10;
  static constexpr double lowest = -746.0;
  static constexpr double one_minus_tanh = -42.0;
  static constexpr double q[] = {1.0,
                                 0.50000000000000056,
                                 0.16666666666666671,
                                 0.041666666666572768,
                                 0.0083333333333261121,
                                 0.0013888888932619635,
                                 0.00019841269874901259,
                                 2.4801504180837138e-5,
                                 2.7557255297969644e-6,
                                 2.7626426376580333e-7,
                                 2.5105259538448493e-8};
};

template <class F>
inline typename Simd<F>::ivec bits(Vec<F> x) {
  return reinterpret_cast<typename Simd<F>::ivec>(x);
}
template <class F>
inline Vec<F> from_bits(typename Simd<F>::ivec x) {
  return reinterpret_cast<Vec<F>>(x);
}

// Splits e^y into 2^n and e^r - 1; `whole` holds n in its lowest bits.
template <class F>
inline Vec<F> exp_fraction_minus_one(Vec<F> y, typename Simd<F>::ivec& whole) {
  using E = Exponent<F>;
  const Vec<F> shifted = y * E::log2e + E::shifter;
  const Vec<F> n = shifted - E::shifter;
  whole = bits<F>(shifted) - bits<F>(splat<F>(E::shifter));
  const Vec<F> r = (y - n * E::ln2_high) - n * E::ln2_low;
  constexpr int terms = sizeof(E::q) / sizeof(F);
  Vec<F> q = splat<F>(E::q[terms - 1]);
#pragma GCC unroll 16
  for (int k = terms - 2; k >= 0; --k) q = q * r + E::q[k];
  return q * r;
}

template <class F>
inline Vec<F> power_of_two(typename Simd<F>::ivec n) {
  using E = Exponent<F>;
  return from_bits<F>((n + E::bias) << E::fraction_bits);
}

// 1 / (1 + e^-x)
template <class F>
inline Vec<F> sigmoid(Vec<F> x) {
  using E = Exponent<F>;
  const Vec<F> minus = x < 0 ? x : -x;  // -|x|; NaN stays
  const Vec<F> y = minus < E::lowest ? splat<F>(E::lowest) : minus;
  typename Simd<F>::ivec n;
  const Vec<F> part = exp_fraction_minus_one<F>(y, n) + F(1);
  // In two steps, since 2^n alone may be too small for a normal number.
  const typename Simd<F>::ivec half = n >> 1;
  const Vec<F> e = part * power_of_two<F>(half) * power_of_two<F>(n - half);
  const Vec<F> above = x < 0 ? e : splat<F>(1);
  return above / (e + F(1));
}

// (1 - e^-2x) / (1 + e^-2x), with 1 - e^-2x from e^r - 1, so that nothing cancels near zero.
template <class F>
inline Vec<F> tanh(Vec<F> x) {
  using E = Exponent<F>;
  const Vec<F> minus = x < 0 ? x + x : -(x + x);
  const Vec<F> y = minus < E::one_minus_tanh ? splat<F>(E::one_minus_tanh) : minus;
  typename Simd<F>::ivec n;
  const Vec<F> part = exp_fraction_minus_one<F>(y, n);
  const Vec<F> scale = power_of_two<F>(n);
  const Vec<F> gap = part * scale + (scale - F(1));  // e^y - 1
  const auto sign = bits<F>(splat<F>(F(-0.0)));
  return from_bits<F>((bits<F>(gap / (gap + F(2))) & ~sign) | (bits<F>(x) & sign));
}

// NaN passes through, as in PyTorch.
template <class F>
inline Vec<F> relu(Vec<F> x) {
  return x < 0 ? Vec<F>{} : x;
}

}  // namespace rnnkit::RNNKIT_NAMESPACE
