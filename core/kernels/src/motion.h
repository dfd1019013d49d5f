// Block motion: where the blocks of a picture come from in another one, and pictures displaced by such vectors.

#ifndef MINDVIDEO_MOTION_H_
#define MINDVIDEO_MOTION_H_

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <cstring>

#include "runtime.h"

// Vectors are in quarters of a pixel, to the right and down, while they are searched. All of the search is in integers, so
// that `core.kernels.motion.search` gives the same to the last bit.
struct Vector {
  int x = 0, y = 0;
};

constexpr int kBlock = 16;     // side of a block
constexpr int kAround = 2;     // pixels around a block that are compared along with it
constexpr int kQuarter = 4;    // the coarse search sees a quarter of the sides, and vectors are in quarters of a pixel
constexpr int kCoarse = 8;     // reach of the coarse search, pixels of the small picture
constexpr int kFarthest = 48;  // no vector is longer along either axis, pixels
constexpr int kCostBits = 4;   // costs are sums of differences times 2^kCostBits

// A plane of 8-bit samples that is continued beyond its edges.
class Samples {
 public:
  Samples(int64_t height, int64_t width, int64_t margin)
      : height_(height), width_(width), margin_(margin), stride_(width + 2 * margin),
        values_((height + 2 * margin) * stride_) {}

  // `value(y, x)` for all places of the plane.
  template <typename Value>
  void Fill(const Value& value) {
    for (int64_t y = 0; y < height_; ++y) {
      uint8_t* row = At(y, 0);
      for (int64_t x = 0; x < width_; ++x) row[x] = static_cast<uint8_t>(value(y, x));
      std::fill(row - margin_, row, row[0]);
      std::fill(row + width_, row + width_ + margin_, row[width_ - 1]);
    }
    for (int64_t y = 1; y <= margin_; ++y) {
      std::copy_n(At(0, -margin_), stride_, At(-y, -margin_));
      std::copy_n(At(height_ - 1, -margin_), stride_, At(height_ - 1 + y, -margin_));
    }
  }

  uint8_t* At(int64_t y, int64_t x) { return values_.data() + (y + margin_) * stride_ + x + margin_; }
  const uint8_t* At(int64_t y, int64_t x) const { return values_.data() + (y + margin_) * stride_ + x + margin_; }
  int64_t stride() const { return stride_; }
  int64_t height() const { return height_; }
  int64_t width() const { return width_; }

 private:
  int64_t height_, width_, margin_, stride_;
  std::vector<uint8_t> values_;
};

// A plane and the same at a quarter of its sides.
struct Pyramid {
  Samples whole, small;

  Pyramid(const float* luma, int64_t height, int64_t width)
      : whole(height, width, kFarthest + kAround + 2),
        small(height / kQuarter, width / kQuarter, kCoarse + kAround) {
    whole.Fill([&](int64_t y, int64_t x) {
      const float value = luma[y * width + x];  // what is no number counts as black
      return std::lrint(value > 0 ? std::fmin(value, 255.f) : 0.f);
    });
    small.Fill([&](int64_t y, int64_t x) {
      int sum = 8;
      for (int row = 0; row < kQuarter; ++row) {
        const uint8_t* samples = whole.At(kQuarter * y + row, kQuarter * x);
        for (int column = 0; column < kQuarter; ++column) sum += samples[column];
      }
      return sum >> 4;
    });
  }
};

// Sum of absolute differences of windows of a constant side.
template <int kSide>
__attribute__((always_inline)) inline int Differences(const uint8_t* a, int64_t a_stride, const uint8_t* b,
                                                      int64_t b_stride) {
  int sum = 0;
  for (int y = 0; y < kSide; ++y, a += a_stride, b += b_stride) {
    for (int x = 0; x < kSide; ++x) sum += std::abs(a[x] - b[x]);
  }
  return sum;
}

// The same where the second window lies between samples, at quarters (x, y).
template <int kSide>
__attribute__((always_inline)) inline int DifferencesBetween(const uint8_t* a, int64_t a_stride, const uint8_t* b,
                                                             int64_t b_stride, int x_share, int y_share) {
  const int16_t w00 = (4 - x_share) * (4 - y_share), w01 = x_share * (4 - y_share), w10 = (4 - x_share) * y_share,
                w11 = x_share * y_share;
  int sum = 0;
  for (int y = 0; y < kSide; ++y, a += a_stride, b += b_stride) {
    const uint8_t* below = b + b_stride;
    for (int x = 0; x < kSide; ++x) {
      const int16_t made = (w00 * b[x] + w01 * b[x + 1] + w10 * below[x] + w11 * below[x + 1] + 8) >> 4;
      sum += std::abs(static_cast<int16_t>(a[x] - made));
    }
  }
  return sum;
}

constexpr int kSide = kBlock + 2 * kAround, kSmallSide = kBlock / kQuarter + 2 * kAround;

// Of the windows of two blocks, the second one at quarters (x, y) between samples.
__attribute__((target_clones("avx2", "default"))) inline int CompareBlocks(
    const uint8_t* a, const uint8_t* b, int64_t stride, int x_share, int y_share) {
  if (x_share || y_share) return DifferencesBetween<kSide>(a, stride, b, stride, x_share, y_share);
  return Differences<kSide>(a, stride, b, stride);
}

// Of the windows of two blocks of small pictures.
__attribute__((target_clones("avx2", "default"))) inline int CompareSmallBlocks(const uint8_t* a,
                                                                                          const uint8_t* b,
                                                                                          int64_t stride) {
  return Differences<kSmallSide>(a, stride, b, stride);
}

// Bits of a component's distance from its prediction, roughly: what the search pays for it.
inline int LengthOf(int distance) {
  return distance == 0 ? 1 : 2 * (32 - __builtin_clz(std::abs(distance))) + 1;
}

inline int LengthOf(Vector vector, Vector predicted) {
  return LengthOf(vector.x - predicted.x) + LengthOf(vector.y - predicted.y);
}

// The search of one picture: a coarse one at all places within reach, then passes in which every block tries vectors
// near its own or those of its neighbours; what it pays for bits depends on the neighbours of the pass before.
class BlockSearch {
 public:
  BlockSearch(const Pyramid& current, const Pyramid& reference, int price)
      : current_(current), reference_(reference), price_(price), rows_(current.whole.height() / kBlock),
        columns_(current.whole.width() / kBlock), field_(rows_ * columns_) {}

  void Run() {
    ForBlocks([this](int64_t row, int64_t column) { return Coarse(row, column); });
    Refine(0);
    for (int step : {8, 4, 0, 2, 1, 0}) Refine(step);
  }

  // Vectors in pixels: a plane of all x, then one of all y.
  void Write(float* vectors) const {
    for (size_t i = 0; i < field_.size(); ++i) {
      vectors[i] = static_cast<float>(field_[i].x) / kQuarter;
      vectors[field_.size() + i] = static_cast<float>(field_[i].y) / kQuarter;
    }
  }

 private:
  // Replaces the field by block(row, column) of all blocks.
  template <typename Block>
  void ForBlocks(const Block& block) {
    std::vector<Vector> made(field_.size());
    Runtime::Get().ForRanges(rows_ * columns_, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) made[i] = block(i / columns_, i % columns_);
    });
    field_.swap(made);
  }

  Vector Coarse(int64_t row, int64_t column) const {
    const int64_t y = row * (kBlock / kQuarter) - kAround, x = column * (kBlock / kQuarter) - kAround;
    const uint8_t* window = current_.small.At(y, x);
    const int64_t stride = current_.small.stride();
    Vector best;
    int least = -1;
    const auto consider = [&](int right, int down) {
      const Vector vector{right * kQuarter * kQuarter, down * kQuarter * kQuarter};
      const uint8_t* other = reference_.small.At(y + down, x + right);
      const int cost = (CompareSmallBlocks(window, other, stride) << (kCostBits + 2)) +
                       price_ * LengthOf(vector, Vector());
      if (least < 0 || cost < least) {
        least = cost;
        best = vector;
      }
    };
    consider(0, 0);
    for (int down = -kCoarse; down <= kCoarse; ++down) {
      for (int right = -kCoarse; right <= kCoarse; ++right) consider(right, down);
    }
    return best;
  }

  // With a step, tries the eight vectors around each block's at this distance, else zero and its neighbours'.
  void Refine(int step) {
    ForBlocks([this, step](int64_t row, int64_t column) { return Refined(row, column, step); });
  }

  Vector Refined(int64_t row, int64_t column, int step) const {
    const std::array<Vector, 4> around = {Near(row, column - 1), Near(row, column + 1), Near(row - 1, column),
                                          Near(row + 1, column)};
    const Vector predicted{Middle(around[0].x, around[1].x, around[2].x, around[3].x),
                           Middle(around[0].y, around[1].y, around[2].y, around[3].y)};
    Vector best = Near(row, column);
    const Vector start = best;
    int least = Cost(row, column, best, predicted);
    const auto consider = [&](Vector vector) {
      if (std::max(std::abs(vector.x), std::abs(vector.y)) > kFarthest * kQuarter) return;
      const int cost = Cost(row, column, vector, predicted);
      if (cost < least) {
        least = cost;
        best = vector;
      }
    };
    if (step == 0) {
      consider(Vector());
      for (const Vector& vector : around) consider(vector);
      return best;
    }
    for (int down = -1; down <= 1; ++down) {
      for (int right = -1; right <= 1; ++right) {
        if (down || right) consider({start.x + right * step, start.y + down * step});
      }
    }
    return best;
  }

  // The vector of a block, or of the nearest one where there is none.
  Vector Near(int64_t row, int64_t column) const {
    row = std::clamp<int64_t>(row, 0, rows_ - 1);
    return field_[row * columns_ + std::clamp<int64_t>(column, 0, columns_ - 1)];
  }

  // The mean of the middle two, rounded down.
  static int Middle(int a, int b, int c, int d) {
    const int sum = a + b + c + d;
    return (sum - std::min({a, b, c, d}) - std::max({a, b, c, d})) >> 1;
  }

  int Cost(int64_t row, int64_t column, Vector vector, Vector predicted) const {
    const int64_t y = row * kBlock - kAround, x = column * kBlock - kAround, stride = current_.whole.stride();
    const uint8_t* window = current_.whole.At(y, x);
    const uint8_t* other = reference_.whole.At(y + (vector.y >> 2), x + (vector.x >> 2));
    const int sum = CompareBlocks(window, other, stride, vector.x & 3, vector.y & 3);
    return (sum << kCostBits) + price_ * LengthOf(vector, predicted);
  }

  const Pyramid &current_, &reference_;
  const int price_;
  const int64_t rows_, columns_;
  std::vector<Vector> field_;
};

// Of lumas (images, height, width), 0 to 255, sides multiples of kBlock; `price` is what a bit costs, in differences.
inline void SearchBlocks(int64_t images, int64_t height, int64_t width, const float* current, const float* reference,
                         const float* price, float* vectors) {
  const int64_t pixels = height * width, blocks = pixels / (kBlock * kBlock);
  for (int64_t image = 0; image < images; ++image) {
    const Pyramid now(current + image * pixels, height, width), before(reference + image * pixels, height, width);
    BlockSearch search(now, before, static_cast<int>(std::lrint(std::fmax(price[image], 0.f) * (1 << kCostBits))));
    search.Run();
    search.Write(vectors + image * 2 * blocks);
  }
}

// Pictures displaced by vectors (rows, columns) in pixels, each of which stands for the middle of a block. Every pixel is
// a bilinear blend of what the vectors of the four blocks around it lead to; samples are cubic over 4x4 pixels, and the
// picture continues beyond its edges.
struct Displacing {
  int64_t images, channels, height, width, rows, columns;

  int64_t Pixels() const { return height * width; }
};

constexpr int kTaps = 4, kBeyond = kTaps - 1;  // by so much padded planes continue beyond each edge

// Along one axis: pixels between the middles of two blocks, and each one's share of the second.
struct Band {
  int64_t begin, low, high;
  std::vector<float> shares;

  int64_t Size() const { return static_cast<int64_t>(shares.size()); }
  float Share(int64_t pixel, bool second) const { return second ? shares[pixel] : 1 - shares[pixel]; }
  bool HasFirstAlone() const { return Size() == 1 && shares[0] == 0; }  // as where blocks are of one pixel
};

inline std::vector<Band> Bands(int64_t size, int64_t blocks) {
  std::vector<Band> bands;
  const float side = static_cast<float>(size) / static_cast<float>(blocks);
  for (int64_t pixel = 0; pixel < size; ++pixel) {
    const float at = (static_cast<float>(pixel) + 0.5f) / side - 0.5f;
    const float clamped = std::fmin(std::fmax(at, 0.f), static_cast<float>(blocks - 1));
    const int64_t low = static_cast<int64_t>(clamped);
    if (bands.empty() || bands.back().low != low) bands.push_back({pixel, low, std::min(low + 1, blocks - 1), {}});
    bands.back().shares.push_back(clamped - static_cast<float>(low));
  }
  return bands;
}

using Four = float __attribute__((vector_size(kTaps * sizeof(float))));

inline Four Load(const float* from) {
  Four values;
  std::memcpy(&values, from, sizeof values);
  return values;
}

inline void Store(Four values, float* to) { std::memcpy(to, &values, sizeof values); }

// Along one axis: how many pixels further on the first of the samples lies that a vector leads to, and their weights.
struct Taps {
  int64_t first;
  Four weights;

  Taps(float displacement, int64_t size) {
    constexpr float a = -0.75f;
    const float limit = static_cast<float>(size + kTaps);
    const float bounded = displacement >= -limit ? std::fmin(displacement, limit) : -limit;  // also what is no number
    const float whole = std::floor(bounded), t = bounded - whole, u = 1 - t;
    first = static_cast<int64_t>(whole) - 1;
    weights = Four{a * t * u * u, ((a + 2) * t - (a + 3)) * t * t + 1, ((a + 2) * u - (a + 3)) * u * u + 1,
                   a * u * t * t};
  }

  // Where the samples of a pixel begin in a padded plane; what lies farther out is as at its edges.
  int64_t At(int64_t pixel, int64_t size) const {
    return std::clamp<int64_t>(pixel + first, -kBeyond, size - 1) + kBeyond;
  }
};

// A picture, or its gradient, plane by plane, padded.
class Padded {
 public:
  explicit Padded(const Displacing& d)
      : height(d.height), width(d.width), stride(d.width + 2 * kBeyond), size((d.height + 2 * kBeyond) * stride),
        values_(d.images * d.channels * size) {}

  float* Plane(int64_t plane) { return values_.data() + plane * size; }

  void Take(const float* from, int64_t plane) {
    ForPixels(plane, [&](float* to, int64_t pixel) { *to = from[plane * height * width + pixel]; });
  }

  void AddTo(float* to, int64_t plane) {
    ForPixels(plane, [&](float* from, int64_t pixel) { to[plane * height * width + pixel] += *from; });
  }

  const int64_t height, width, stride, size;

 private:
  // Calls use(padded pixel, nearest pixel of the plane).
  template <typename Use>
  void ForPixels(int64_t plane, const Use& use) {
    float* row = Plane(plane);
    for (int64_t y = -kBeyond; y < height + kBeyond; ++y, row += stride) {
      const int64_t nearest = std::clamp<int64_t>(y, 0, height - 1) * width;
      for (int64_t x = 0; x < kBeyond; ++x) use(row + x, nearest);
      for (int64_t x = 0; x < width; ++x) use(row + kBeyond + x, nearest + x);
      for (int64_t x = 0; x < kBeyond; ++x) use(row + kBeyond + width + x, nearest + width - 1);
    }
  }

  std::vector<float> values_;
};

// What lies between the middles of four blocks of an image, under the vectors of those blocks.
class Patch {
 public:
  Patch(const Displacing& d, const float* vectors, const Band& down, const Band& across)
      : d_(d), down_(down), across_(across) {
    const int64_t rows[] = {down.low, down.high}, columns[] = {across.low, across.high};
    bool alike = true;
    const int corners = down.HasFirstAlone() && across.HasFirstAlone() ? 1 : 4;
    for (int corner = 0; corner < corners; ++corner) {
      const float* x = vectors + rows[corner / 2] * d.columns + columns[corner % 2];
      const float* y = x + d.rows * d.columns;
      sources_.push_back({corner, Taps(*y, d.height), Taps(*x, d.width)});
      alike &= *x == vectors[rows[0] * d.columns + columns[0]];
      alike &= *y == vectors[(d.rows + rows[0]) * d.columns + columns[0]];
    }
    if (alike) sources_.erase(sources_.begin() + 1, sources_.end());
  }

  // Sets the pixels of so many planes, of which others are not touched.
  void Fill(const float* padded, const Padded& layout, int64_t planes, float* result) const {
    ForPixels(layout, [&](int64_t pixel, int64_t place, const Source& source, float weight) {
      const Four across = weight * source.across.weights;
      for (int64_t plane = 0; plane < planes; ++plane) {
        const float* from = padded + plane * layout.size + place;
        Four sum = source.down.weights[0] * Load(from);
        for (int tap = 1; tap < kTaps; ++tap) sum += source.down.weights[tap] * Load(from + tap * layout.stride);
        sum *= across;
        float* to = result + plane * d_.Pixels() + pixel;
        const float made = sum[0] + sum[1] + (sum[2] + sum[3]);
        *to = source.corner ? *to + made : made;
      }
    });
  }

  // Adds what the gradient of so many planes of the result gives to that of padded planes.
  void Spread(const float* of_result, const Padded& layout, int64_t planes, float* padded) const {
    ForPixels(layout, [&](int64_t pixel, int64_t place, const Source& source, float weight) {
      const Four across = weight * source.across.weights;
      for (int64_t plane = 0; plane < planes; ++plane) {
        float* to = padded + plane * layout.size + place;
        const Four spread = of_result[plane * d_.Pixels() + pixel] * across;
        for (int tap = 0; tap < kTaps; ++tap, to += layout.stride) {
          Store(Load(to) + source.down.weights[tap] * spread, to);
        }
      }
    });
  }

 private:
  struct Source {
    int corner;
    Taps down, across;
  };

  // Calls use(pixel, place in a padded plane, source, weight) for each source of each pixel.
  template <typename Use>
  void ForPixels(const Padded& layout, const Use& use) const {
    const bool alone = sources_.size() == 1;
    for (int64_t y = 0; y < down_.Size(); ++y) {
      for (int64_t x = 0; x < across_.Size(); ++x) {
        const int64_t row = down_.begin + y, column = across_.begin + x;
        for (const Source& source : sources_) {
          const int64_t place = source.down.At(row, d_.height) * layout.stride + source.across.At(column, d_.width);
          const float share = down_.Share(y, source.corner / 2) * across_.Share(x, source.corner % 2);
          use(row * d_.width + column, place, source, alone ? 1.f : share);
        }
      }
    }
  }

  const Displacing& d_;
  const Band &down_, &across_;
  std::vector<Source> sources_;
};

inline void Displace(const Displacing& d, const float* picture, const float* vectors, float* result) {
  const std::vector<Band> down = Bands(d.height, d.rows), across = Bands(d.width, d.columns);
  const int64_t rows = static_cast<int64_t>(down.size());
  Padded padded(d);
  Runtime::Get().ForRanges(d.images * d.channels, [&](int64_t begin, int64_t end) {
    for (int64_t plane = begin; plane < end; ++plane) padded.Take(picture, plane);
  });
  Runtime::Get().ForRanges(d.images * rows, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t image = i / rows;
      for (const Band& band : across) {
        const Patch patch(d, vectors + image * 2 * d.rows * d.columns, down[i % rows], band);
        const int64_t plane = image * d.channels;
        patch.Fill(padded.Plane(plane), padded, d.channels, result + plane * d.Pixels());
      }
    }
  });
}

// Gradient of the picture; vectors have none.
inline void DisplaceGradient(const Displacing& d, const float* vectors, const float* of_result, float* of_picture) {
  const std::vector<Band> down = Bands(d.height, d.rows), across = Bands(d.width, d.columns);
  Padded padded(d);
  std::fill_n(of_picture, d.images * d.channels * d.Pixels(), 0.f);
  Runtime::Get().ForRanges(d.images * d.channels, [&](int64_t begin, int64_t end) {
    for (int64_t first = begin; first < end;) {  // the planes of one image at a time
      const int64_t image = first / d.channels, stop = std::min(end, (image + 1) * d.channels);
      for (const Band& rows : down) {
        for (const Band& columns : across) {
          const Patch patch(d, vectors + image * 2 * d.rows * d.columns, rows, columns);
          patch.Spread(of_result + first * d.Pixels(), padded, stop - first, padded.Plane(first));
        }
      }
      for (; first < stop; ++first) padded.AddTo(of_picture, first);
    }
  });
}

#endif  // MINDVIDEO_MOTION_H_
