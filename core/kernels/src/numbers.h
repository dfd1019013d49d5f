// float32 and bfloat16 as loops read and write them, and the exponential function in a form that compilers vectorise.

#ifndef MINDVIDEO_NUMBERS_H_
#define MINDVIDEO_NUMBERS_H_

#include <cstdint>
#include <cstring>

// A float32 without the lower half of its bits.
struct Bfloat16 {
  uint16_t bits;
};

inline float Read(float x) { return x; }

inline float Read(Bfloat16 x) {
  const uint32_t bits = static_cast<uint32_t>(x.bits) << 16;
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

inline void Write(float value, float* x) { *x = value; }

// To the nearest, halves to the even one; NaN stays NaN.
inline void Write(float value, Bfloat16* x) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  const uint32_t rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
  x->bits = static_cast<uint16_t>(value == value ? rounded : bits >> 16 | 0x40);
}

// exp(x), to some 2e-7 of it; x is taken to be from -87 to 88.
inline float Exponential(float x) {
  x = x < -87.0f ? -87.0f : x;
  x = x > 88.0f ? 88.0f : x;
  constexpr float kRounder = 12582912.0f;  // 1.5 * 2^23: what is added to it is rounded to a whole number
  const float whole = (x * 1.44269504f + kRounder) - kRounder;
  const float rest = (x - whole * 0.693359375f) + whole * 2.12194440e-4f;  // ln 2 in two parts
  float power = 1.9875691500e-4f;
  for (const float factor : {1.3981999507e-3f, 8.3334519073e-3f, 4.1665795894e-2f, 1.6666665459e-1f, 5.0000001201e-1f}) {
    power = power * rest + factor;
  }
  power = power * rest * rest + rest + 1.0f;
  const int32_t scale = (static_cast<int32_t>(whole) + 127) << 23;
  float two;
  std::memcpy(&two, &scale, sizeof(two));
  return power * two;
}

inline float Sigmoid(float x) { return 1 / (1 + Exponential(-x)); }

#endif  // MINDVIDEO_NUMBERS_H_
