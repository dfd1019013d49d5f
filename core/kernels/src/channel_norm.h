// Normalisation over the channels of each pixel, channels last, and its gradients.

#ifndef MINDVIDEO_CHANNEL_NORM_H_
#define MINDVIDEO_CHANNEL_NORM_H_

#include <cmath>
#include <vector>

#include "reductions.h"

// Pixels of so many channels, at least 2: y = gamma * (x - mean) * scale + beta, where scale is 1 / sqrt(variance + epsilon)
// and the variance the unbiased one.
struct Normalising {
  int64_t pixels, channels;
  double epsilon;
};

struct Moments {
  float mean, scale;
};

inline Moments MomentsOf(const Normalising& n, const float* pixel) {
  const double mean = SumOf(0, n.channels, [=](int64_t i) { return static_cast<double>(pixel[i]); }) / n.channels;
  const double squares = SumOf(0, n.channels, [=](int64_t i) { return (pixel[i] - mean) * (pixel[i] - mean); });
  return {static_cast<float>(mean), static_cast<float>(1 / std::sqrt(squares / (n.channels - 1) + n.epsilon))};
}

inline void Normalise(const Normalising& n, const float* x, const float* gamma, const float* beta, float* y) {
  Runtime::Get().ForRanges(n.pixels, [=](int64_t begin, int64_t end) {
    for (int64_t pixel = begin; pixel < end; ++pixel) {
      const float* in = x + pixel * n.channels;
      float* out = y + pixel * n.channels;
      const Moments m = MomentsOf(n, in);
      for (int64_t i = 0; i < n.channels; ++i) out[i] = gamma[i] * ((in[i] - m.mean) * m.scale) + beta[i];
    }
  });
}

// Gradient of x. With g = gamma * dy and the normalised h = (x - mean) * scale, it is
// scale * (g - mean of g - h * (sum of g * h) / (channels - 1)).
inline void NormaliseGradient(const Normalising& n, const float* x, const float* gamma, const float* dy, float* dx) {
  Runtime::Get().ForRanges(n.pixels, [=](int64_t begin, int64_t end) {
    for (int64_t pixel = begin; pixel < end; ++pixel) {
      const float *in = x + pixel * n.channels, *of_out = dy + pixel * n.channels;
      float* of_in = dx + pixel * n.channels;
      const Moments m = MomentsOf(n, in);
      const double sum = SumOf(0, n.channels, [=](int64_t i) { return static_cast<double>(gamma[i]) * of_out[i]; });
      const double along = SumOf(0, n.channels, [=](int64_t i) {
        return static_cast<double>(gamma[i]) * of_out[i] * ((in[i] - m.mean) * m.scale);
      });
      const auto mean = static_cast<float>(sum / n.channels), share = static_cast<float>(along / (n.channels - 1));
      for (int64_t i = 0; i < n.channels; ++i) {
        of_in[i] = m.scale * (gamma[i] * of_out[i] - mean - (in[i] - m.mean) * m.scale * share);
      }
    }
  });
}

// Gradients of gamma and beta: summed in blocks of fixed length, and the blocks in order.
inline void NormaliseScaleGradients(const Normalising& n, const float* x, const float* dy, float* of_gamma,
                                    float* of_beta) {
  std::vector<double> partial(Pool::kParts * 2 * n.channels);
  Runtime::Get().ForRanges(Pool::kParts, [&](int64_t begin, int64_t end) {
    for (int64_t part = begin; part < end; ++part) {
      double *gamma = partial.data() + part * 2 * n.channels, *beta = gamma + n.channels;
      for (int64_t pixel = n.pixels * part / Pool::kParts; pixel < n.pixels * (part + 1) / Pool::kParts; ++pixel) {
        const float *in = x + pixel * n.channels, *of_out = dy + pixel * n.channels;
        const Moments m = MomentsOf(n, in);
        for (int64_t i = 0; i < n.channels; ++i) gamma[i] += of_out[i] * ((in[i] - m.mean) * m.scale);
        for (int64_t i = 0; i < n.channels; ++i) beta[i] += of_out[i];
      }
    }
  });
  for (int64_t i = 0; i < n.channels; ++i) {
    double gamma = 0, beta = 0;
    for (int part = 0; part < Pool::kParts; ++part) {
      gamma += partial[part * 2 * n.channels + i];
      beta += partial[(part * 2 + 1) * n.channels + i];
    }
    of_gamma[i] = static_cast<float>(gamma);
    of_beta[i] = static_cast<float>(beta);
  }
}

#endif  // MINDVIDEO_CHANNEL_NORM_H_
