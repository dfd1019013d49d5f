// Sums in double precision, in an order that does not depend on the number of threads, and the gradient of leaky ReLU.

#ifndef MINDVIDEO_REDUCTIONS_H_
#define MINDVIDEO_REDUCTIONS_H_

#include <vector>

#include "numbers.h"
#include "runtime.h"

constexpr int kLanes = 8;

// Sum of term(i) over a range, in lanes that the compiler can vectorise.
template <typename Term>
double SumOf(int64_t begin, int64_t end, const Term& term) {
  double lanes[kLanes] = {}, sum = 0;
  int64_t i = begin;
  for (; i + kLanes <= end; i += kLanes) {
    for (int lane = 0; lane < kLanes; ++lane) lanes[lane] += term(i + lane);
  }
  for (; i < end; ++i) sum += term(i);
  for (double lane : lanes) sum += lane;
  return sum;
}

// Sums of each channel of y; shape is N, C, H, W, whatever the layout.
template <typename T>
void SumChannels(const T* y, float* sums, const int64_t* shape, bool channels_last) {
  const int64_t images = shape[0], channels = shape[1], pixels = shape[2] * shape[3];
  if (!channels_last) {
    Runtime::Get().ForRanges(channels, [=](int64_t begin, int64_t end) {
      for (int64_t channel = begin; channel < end; ++channel) {
        double sum = 0;
        for (int64_t image = 0; image < images; ++image) {
          const T* plane = y + (image * channels + channel) * pixels;
          sum += SumOf(0, pixels, [=](int64_t i) { return static_cast<double>(Read(plane[i])); });
        }
        sums[channel] = static_cast<float>(sum);
      }
    });
    return;
  }
  // Rows of pixels are summed in blocks of fixed length, and the blocks in order.
  const int64_t rows = images * pixels, blocks = (rows + Pool::kParts - 1) / Pool::kParts;
  std::vector<double> partial(Pool::kParts * channels);
  Runtime::Get().ForRanges(Pool::kParts, [&](int64_t begin, int64_t end) {
    for (int64_t part = begin; part < end; ++part) {
      double* sum = partial.data() + part * channels;
      for (int64_t row = part * blocks; row < std::min(rows, (part + 1) * blocks); ++row) {
        const T* pixel = y + row * channels;
        for (int64_t channel = 0; channel < channels; ++channel) sum[channel] += Read(pixel[channel]);
      }
    }
  });
  for (int64_t channel = 0; channel < channels; ++channel) {
    double sum = 0;
    for (int part = 0; part < Pool::kParts; ++part) sum += partial[part * channels + channel];
    sums[channel] = static_cast<float>(sum);
  }
}

inline float SumSquares(const float* x, int64_t count) {
  double partial[Pool::kParts] = {}, sum = 0;
  Runtime::Get().ForRanges(Pool::kParts, [&](int64_t begin, int64_t end) {
    for (int64_t part = begin; part < end; ++part) {
      partial[part] = SumOf(count * part / Pool::kParts, count * (part + 1) / Pool::kParts,
                            [=](int64_t i) { return static_cast<double>(x[i]) * x[i]; });
    }
  });
  for (double part : partial) sum += part;
  return static_cast<float>(sum);
}

// Gradient of a leaky ReLU's input, from that of its result y and y itself.
inline void RectifierGradient(const float* dy, const float* y, float* dx, int64_t count, float slope) {
  Runtime::Get().ForRanges(count, [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) dx[i] = y[i] > 0 ? dy[i] : slope * dy[i];
  });
}

#endif  // MINDVIDEO_REDUCTIONS_H_
