// Samples of a stack of pictures at displaced positions, positions clamped to the stack, and their gradients.

#ifndef MINDVIDEO_GRID_SAMPLE_H_
#define MINDVIDEO_GRID_SAMPLE_H_

#include <algorithm>
#include <cmath>

#include "runtime.h"

// Where and how far apart things are: pixel (x, y) of the result is sampled at (x + units_x * flow_x, y + units_y * flow_y)
// and, of D slices, at depth ((d + 1) * D - 1) / 2, all in pixels and slices.
struct Sampling {
  int64_t images, channels, slices, height, width;  // of the stack
  int64_t rows, columns;                            // of the flow and the result
  float units_x, units_y;

  int64_t StackPixels() const { return slices * height * width; }
  int64_t Pixels() const { return rows * columns; }
};

// A position along one axis between two samples, and whether moving it changes anything (not where it was clamped).
struct Axis {
  int64_t low, step;  // the first sample, and the distance to the second (0 at the end)
  float share;        // of the second
  float moves;        // 1 or 0

  Axis(float position, int64_t size) {
    const float last = static_cast<float>(size - 1);
    moves = position > 0 && position < last ? 1.f : 0.f;
    const float clamped = position >= 0 ? std::fmin(position, last) : 0.f;  // also where it is not a number
    low = static_cast<int64_t>(clamped);
    step = low + 1 < size ? 1 : 0;
    share = clamped - static_cast<float>(low);
  }
};

// The eight samples around a position, their weights, and what moving along each axis does.
struct Cell {
  Axis x, y, z;
  int corners;  // four where there is but one slice
  int64_t offsets[8];
  float weights[8];

  Cell(const Sampling& s, float at_x, float at_y, float at_z)
      : x(at_x, s.width), y(at_y, s.height), z(at_z, s.slices), corners(s.slices > 1 ? 8 : 4) {
    for (int corner = 0; corner < corners; ++corner) {
      const int right = corner & 1, below = corner >> 1 & 1, behind = corner >> 2;
      const int64_t slice = z.low + behind * z.step, row = y.low + below * y.step, column = x.low + right * x.step;
      offsets[corner] = (slice * s.height + row) * s.width + column;
      weights[corner] = Of(x, right) * Of(y, below) * Of(z, behind);
    }
  }

  static float Of(const Axis& axis, int second) { return second ? axis.share : 1 - axis.share; }
};

// The cell of a pixel of the result; depth may be null, which is the first slice.
inline Cell CellOf(const Sampling& s, const float* flow, const float* depth, int64_t image, int64_t pixel) {
  const float* displacement = flow + image * 2 * s.Pixels() + pixel;
  const float column = static_cast<float>(pixel % s.columns), row = static_cast<float>(pixel / s.columns);
  const float slices = static_cast<float>(s.slices);
  const float z = depth ? ((depth[image * s.Pixels() + pixel] + 1) * slices - 1) / 2 : 0.f;
  return Cell(s, column + s.units_x * displacement[0], row + s.units_y * displacement[s.Pixels()], z);
}

// Calls body(image, begin, end) for ranges of the result's pixels.
template <typename Body>
void ForPixels(const Sampling& s, const Body& body) {
  Runtime::Get().ForRanges(s.images * s.Pixels(), [&](int64_t begin, int64_t end) {
    while (begin < end) {
      const int64_t image = begin / s.Pixels(), stop = std::min(end, (image + 1) * s.Pixels());
      body(image, begin - image * s.Pixels(), stop - image * s.Pixels());
      begin = stop;
    }
  });
}

inline void Sample(const Sampling& s, const float* stack, const float* flow, const float* depth, float* result) {
  ForPixels(s, [&](int64_t image, int64_t begin, int64_t end) {
    for (int64_t pixel = begin; pixel < end; ++pixel) {
      const Cell cell = CellOf(s, flow, depth, image, pixel);
      for (int64_t channel = image * s.channels; channel < (image + 1) * s.channels; ++channel) {
        const float* plane = stack + channel * s.StackPixels();
        float sum = 0;
        for (int i = 0; i < cell.corners; ++i) sum += cell.weights[i] * plane[cell.offsets[i]];
        result[channel * s.Pixels() + pixel] = sum;
      }
    }
  });
}

// Gradients of flow and depth (which may be null).
inline void SampleMotionGradient(const Sampling& s, const float* stack, const float* flow, const float* depth,
                                 const float* of_result, float* of_flow, float* of_depth) {
  ForPixels(s, [&](int64_t image, int64_t begin, int64_t end) {
    for (int64_t pixel = begin; pixel < end; ++pixel) {
      const Cell c = CellOf(s, flow, depth, image, pixel);
      float slopes[3][8];
      for (int i = 0; i < c.corners; ++i) {
        const int right = i & 1, below = i >> 1 & 1, behind = i >> 2;
        const float wx = Cell::Of(c.x, right), wy = Cell::Of(c.y, below), wz = Cell::Of(c.z, behind);
        slopes[0][i] = (right ? wy : -wy) * wz;
        slopes[1][i] = (below ? wx : -wx) * wz;
        slopes[2][i] = (behind ? wx : -wx) * wy;
      }
      float along[3] = {};
      for (int64_t channel = image * s.channels; channel < (image + 1) * s.channels; ++channel) {
        const float* plane = stack + channel * s.StackPixels();
        const float incoming = of_result[channel * s.Pixels() + pixel];
        for (int i = 0; i < c.corners; ++i) {
          const float value = incoming * plane[c.offsets[i]];
          for (int axis = 0; axis < 3; ++axis) along[axis] += value * slopes[axis][i];
        }
      }
      float* displacement = of_flow + image * 2 * s.Pixels() + pixel;
      displacement[0] = along[0] * c.x.moves * s.units_x;
      displacement[s.Pixels()] = along[1] * c.y.moves * s.units_y;
      if (of_depth) of_depth[image * s.Pixels() + pixel] = along[2] * c.z.moves * static_cast<float>(s.slices) / 2;
    }
  });
}

// Gradient of the stack. A plane's contributions are added in the order of the pixels, by one thread, which computes a
// pixel's cell once for several planes of an image.
inline void SampleGradient(const Sampling& s, const float* flow, const float* depth, const float* of_result,
                           float* of_stack) {
  constexpr int64_t kTogether = 16;
  Runtime::Get().ForRanges(s.images * s.channels, [&](int64_t begin, int64_t end) {
    std::fill(of_stack + begin * s.StackPixels(), of_stack + end * s.StackPixels(), 0.f);
    while (begin < end) {
      const int64_t image = begin / s.channels;
      const int64_t stop = std::min({end, begin + kTogether, (image + 1) * s.channels});
      for (int64_t pixel = 0; pixel < s.Pixels(); ++pixel) {
        const Cell cell = CellOf(s, flow, depth, image, pixel);
        for (int64_t channel = begin; channel < stop; ++channel) {
          float* plane = of_stack + channel * s.StackPixels();
          const float incoming = of_result[channel * s.Pixels() + pixel];
          for (int i = 0; i < cell.corners; ++i) plane[cell.offsets[i]] += cell.weights[i] * incoming;
        }
      }
      begin = stop;
    }
  });
}

#endif  // MINDVIDEO_GRID_SAMPLE_H_
