// What a modulated deformable 3x3 convolution (DCNv2, stride 1, padding 1) multiplies its weights with, and its gradients.

#ifndef MINDVIDEO_DEFORMABLE_CONV_H_
#define MINDVIDEO_DEFORMABLE_CONV_H_

#include <cmath>
#include <vector>

#include "runtime.h"

// All tensors have their channels last: x N, H, W, groups * width; offsets N, H, W, 2 * groups * 9, first the horizontal
// ones of every (group, tap), then the vertical ones; mask N, H, W, groups * 9; columns N, H, W, groups * 9 * width.
struct Deforming {
  static constexpr int kSide = 3, kTaps = kSide * kSide;
  int64_t images, rows, columns, groups, width;

  int64_t Pixels() const { return rows * columns; }
  int64_t Samples() const { return groups * kTaps; }  // of a pixel
  int64_t Channels() const { return groups * width; }
};

// The four pixels around a displaced tap: where they are in x, and their weights, 0 for what lies outside the picture.
struct Neighbours {
  bool any = false;
  int64_t offsets[4] = {};
  float weights[4] = {};
  float right = 0, below = 0;  // shares of the right and lower pixels
  float inside[4] = {};        // 1 or 0

  Neighbours(const Deforming& d, int64_t row, int64_t column, int tap, float across, float down) {
    const float x = static_cast<float>(column + tap % Deforming::kSide - 1) + across;
    const float y = static_cast<float>(row + tap / Deforming::kSide - 1) + down;
    any = x > -1 && y > -1 && x < static_cast<float>(d.columns) && y < static_cast<float>(d.rows);
    if (!any) return;  // also where it is not a number
    const float left = std::floor(x), top = std::floor(y);
    right = x - left;
    below = y - top;
    for (int corner = 0; corner < 4; ++corner) {
      const int64_t at_x = static_cast<int64_t>(left) + (corner & 1), at_y = static_cast<int64_t>(top) + (corner >> 1);
      if (at_x < 0 || at_y < 0 || at_x >= d.columns || at_y >= d.rows) continue;
      inside[corner] = 1;
      offsets[corner] = (at_y * d.columns + at_x) * d.Channels();
      weights[corner] = (corner & 1 ? right : 1 - right) * (corner >> 1 ? below : 1 - below);
    }
  }
};

// Calls body(pixel, sample, neighbours) for every tap of every group of pixels begin..end of all images.
template <typename Body>
void ForSamples(const Deforming& d, const float* offsets, int64_t begin, int64_t end, const Body& body) {
  for (int64_t pixel = begin; pixel < end; ++pixel) {
    const float* across = offsets + pixel * 2 * d.Samples();
    const int64_t inside = pixel % d.Pixels(), row = inside / d.columns, column = inside % d.columns;
    for (int64_t sample = 0; sample < d.Samples(); ++sample) {
      const int tap = static_cast<int>(sample % Deforming::kTaps);
      body(pixel, sample, Neighbours(d, row, column, tap, across[sample], across[d.Samples() + sample]));
    }
  }
}

inline void DeformedColumns(const Deforming& d, const float* x, const float* offsets, const float* mask,
                            float* columns) {
  Runtime::Get().ForRanges(d.images * d.Pixels(), [&](int64_t begin, int64_t end) {
    ForSamples(d, offsets, begin, end, [&](int64_t pixel, int64_t sample, const Neighbours& n) {
      float* column = columns + (pixel * d.Samples() + sample) * d.width;
      if (!n.any) {
        std::fill(column, column + d.width, 0.f);
        return;
      }
      const float* group = x + pixel / d.Pixels() * d.Pixels() * d.Channels() + sample / Deforming::kTaps * d.width;
      const float *a = group + n.offsets[0], *b = group + n.offsets[1], *c = group + n.offsets[2],
                  *e = group + n.offsets[3];
      const float share = mask[pixel * d.Samples() + sample];
      for (int64_t i = 0; i < d.width; ++i) {
        const float sum = n.weights[0] * a[i] + n.weights[1] * b[i] + n.weights[2] * c[i] + n.weights[3] * e[i];
        column[i] = share * sum;
      }
    });
  });
}

// Gradients of offsets and mask.
inline void DeformedMotionGradient(const Deforming& d, const float* x, const float* offsets, const float* mask,
                                   const float* of_columns, float* of_offsets, float* of_mask) {
  Runtime::Get().ForRanges(d.images * d.Pixels(), [&](int64_t begin, int64_t end) {
    ForSamples(d, offsets, begin, end, [&](int64_t pixel, int64_t sample, const Neighbours& n) {
      const float* incoming = of_columns + (pixel * d.Samples() + sample) * d.width;
      const float* group = x + pixel / d.Pixels() * d.Pixels() * d.Channels() + sample / Deforming::kTaps * d.width;
      float products[4] = {};  // of the incoming gradient and each neighbour
      for (int corner = 0; n.any && corner < 4; ++corner) {
        const float* neighbour = group + n.offsets[corner];
        float sum = 0;
        for (int64_t i = 0; i < d.width; ++i) sum += incoming[i] * neighbour[i];
        products[corner] = n.inside[corner] * sum;
      }
      const float upper = products[1] - products[0], lower = products[3] - products[2];
      const float at_left = products[2] - products[0], at_right = products[3] - products[1];
      const float share = mask[pixel * d.Samples() + sample];
      float* across = of_offsets + pixel * 2 * d.Samples() + sample;
      across[0] = share * ((1 - n.below) * upper + n.below * lower);
      across[d.Samples()] = share * ((1 - n.right) * at_left + n.right * at_right);
      float& of_share = of_mask[pixel * d.Samples() + sample];
      of_share = 0;
      for (int corner = 0; corner < 4; ++corner) of_share += n.weights[corner] * products[corner];
    });
  });
}

// Gradient of x. What belongs to a group of an image adds up in the order of the pixels, by one thread.
inline void DeformedGradient(const Deforming& d, const float* offsets, const float* mask, const float* of_columns,
                             float* of_x) {
  Runtime::Get().ForRanges(d.images * d.groups, [&](int64_t begin, int64_t end) {
    std::vector<float> sums(d.Pixels() * d.width);  // apart, so that threads do not share cache lines
    for (int64_t part = begin; part < end; ++part) {
      const int64_t image = part / d.groups, group = part % d.groups;
      std::fill(sums.begin(), sums.end(), 0.f);
      for (int64_t inside = 0; inside < d.Pixels(); ++inside) {
        const int64_t pixel = image * d.Pixels() + inside, row = inside / d.columns, column = inside % d.columns;
        for (int tap = 0; tap < Deforming::kTaps; ++tap) {
          const int64_t sample = group * Deforming::kTaps + tap;
          const float* across = offsets + pixel * 2 * d.Samples() + sample;
          const Neighbours n(d, row, column, tap, across[0], across[d.Samples()]);
          if (!n.any) continue;
          const float* incoming = of_columns + (pixel * d.Samples() + sample) * d.width;
          const float share = mask[pixel * d.Samples() + sample];
          for (int corner = 0; corner < 4; ++corner) {
            const float weight = share * n.weights[corner];
            float* sum = sums.data() + n.offsets[corner] / d.groups;
            for (int64_t i = 0; i < d.width; ++i) sum[i] += weight * incoming[i];
          }
        }
      }
      for (int64_t inside = 0; inside < d.Pixels(); ++inside) {
        const float* sum = sums.data() + inside * d.width;
        std::copy(sum, sum + d.width, of_x + (image * d.Pixels() + inside) * d.Channels() + group * d.width);
      }
    }
  });
}

#endif  // MINDVIDEO_DEFORMABLE_CONV_H_
