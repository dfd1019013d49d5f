// The depthwise-separable residual block, and its gradients, in one call: what is between its convolutions lies with the
// channels last in memory of our own, as bfloat16 where that is asked for. See `core.nn.separable`.

#ifndef MINDVIDEO_SEPARABLE_H_
#define MINDVIDEO_SEPARABLE_H_

#include "numbers.h"
#include "reductions.h"

struct Separable {
  int64_t images, height, width, channels, mid, inner;  // inner: what the last convolution takes
  int64_t gated;                                        // x * sigmoid(slope * x), after ffn.0 summed over four; or leaky
  int64_t shortcut, channels_last, low;
  double slope;

  static constexpr int kSummed = 4;

  int64_t Wide() const { return gated ? kSummed * mid : inner; }
  int64_t Pixels() const { return images * height * width; }
  Form Inside() const { return {true, low != 0}; }
  Form Outside() const { return {channels_last != 0, false}; }
  bool IsInside() const { return channels_last && !low; }  // as x and y lie in the caller's memory
};

// Its parameters, as the operators get them.
struct SeparableWeights {
  float *dc0, *dc0_bias, *dc2, *dc2_bias, *dc3, *dc3_bias, *ffn0, *ffn0_bias, *ffn2, *ffn2_bias;
};

// One after the other from memory that was reserved; from nothing, only the size is counted.
class Rooms {
 public:
  Rooms(const Separable& s, char* memory) : pixel_(s.Pixels() * (s.low ? 2 : 4)), memory_(memory) {}

  char* Take(int64_t channels) {
    char* room = memory_ + size_;
    size_ += Arena::Aligned(pixel_ * channels);
    return room;
  }

  size_t size() const { return size_; }

 private:
  const size_t pixel_;
  char* memory_;
  size_t size_ = 0;
};

// The convolutions of a block. Tensors inside are of the block's type.
class SeparableConvolutions {
 public:
  explicit SeparableConvolutions(const Separable& s) : s_(s) {}

  // y = activation(x * weights + bias + addends)
  void Forward(int64_t in, int64_t out, void* x, float* weights, float* bias, void* y, std::vector<void*> addends = {},
               bool activated = false, bool outside = false) const {
    Problem problem = Make(Kind::kForward, in, out, 1);
    Complete(activated, &problem);
    problem.addends = static_cast<int64_t>(addends.size());
    if (outside) problem.low_out = 0;
    std::vector<void*> tensors = {x, weights, y, bias};
    tensors.insert(tensors.end(), addends.begin(), addends.end());
    Runtime::Get().Convolve(problem, tensors, true);
  }

  // The sum over j < 4 of gate(x * weights + bias) of the outputs 4 k + j, to y's channel k: nothing is as wide as all of
  // them. `bias` holds those of j = 0 first, then of j = 1.
  void ForwardSummed(int64_t in, int64_t out, void* x, float* weights, float* bias, void* y) const {
    Problem problem = Make(Kind::kForward, in, out, 1);
    Complete(true, &problem);
    problem.weights_step = Separable::kSummed;
    for (int64_t j = 0; j < Separable::kSummed; ++j) {
      problem.accumulates = j > 0;
      Runtime::Get().Convolve(problem, {x, weights + j * in, y, bias + j * out}, true);
    }
  }

  // x has rows of neighbours above and below, where there are any; else zeros stand for them.
  void ForwardDepthwise(void* x, float* weights, float* bias, void* y, int64_t above = 0, int64_t below = 0) const {
    Problem problem = Make(Kind::kForward, s_.mid, s_.mid, 3);
    problem.with_bias = 1;
    problem.source[2] += above + below;
    problem.before[0] -= above;
    Runtime::Get().Convolve(problem, {x, weights, y, bias}, true);
  }

  // Gradient of x from that of y. The kernel's side is 1 or, of the depthwise convolution, 3.
  void InputGradient(int64_t in, int64_t out, int64_t side, void* of_y, float* weights, void* of_x) const {
    Runtime::Get().Convolve(Make(Kind::kSourceGradient, in, out, side), {of_x, weights, of_y}, false);
  }

  template <typename T>
  void WeightsGradient(int64_t in, int64_t out, int64_t side, T* x, T* of_y, float* of_weights, float* of_bias) const {
    Runtime::Get().Convolve(Make(Kind::kWeightsGradient, in, out, side), {x, of_weights, of_y}, false);
    const int64_t shape[] = {s_.images, out, s_.height, s_.width};
    SumChannels(of_y, of_bias, shape, true);
  }

 private:
  Problem Make(Kind kind, int64_t in, int64_t out, int64_t side) const {
    const int64_t groups = side == 1 ? 1 : in;
    const int64_t source[] = {s_.images, in, s_.height, s_.width}, weights[] = {out, in / groups, side, side};
    Problem problem = {};
    problem.kind = kind;
    problem.channels_last = 1;
    problem.low = problem.low_in = problem.low_out = problem.low_addends = s_.low;
    problem.groups = groups;
    std::copy(source, source + 4, problem.source);
    std::copy(source, source + 4, problem.destination);
    problem.destination[1] = out;
    std::copy(weights, weights + 4, problem.weights);
    for (int axis = 0; axis < 2; ++axis) {
      problem.stride[axis] = problem.dilation[axis] = 1;
      problem.before[axis] = side / 2;
    }
    return problem;
  }

  void Complete(bool activated, Problem* problem) const {
    problem->with_bias = 1;
    if (!activated) return;
    problem->activation = s_.gated ? Activation::kGate : Activation::kRectifier;
    problem->slope = s_.slope;
  }

  const Separable& s_;
};

// Those of j = 0 first, then of j = 1: b[4 k + j] goes to place j * mid + k.
inline std::vector<float> ByPlace(const float* bias, int64_t mid) {
  std::vector<float> made(Separable::kSummed * mid);
  for (int64_t i = 0; i < Separable::kSummed * mid; ++i) {
    made[i % Separable::kSummed * mid + i / Separable::kSummed] = bias[i];
  }
  return made;
}

// Some rows of one picture, x and y those of the picture inside; what is between takes `rooms`, and that much is returned.
// Without y only the size is counted.
inline size_t SeparableRows(const Separable& s, int64_t top, int64_t rows, char* x, const SeparableWeights& w,
                            float* ffn0_bias, char* y, Rooms rooms) {
  const int64_t c = s.channels, m = s.mid, above = top > 0, below = top + rows < s.height;
  char *first = rooms.Take(m), *second = rooms.Take(m), *a = rooms.Take(c);
  char* inner = s.inner > m ? rooms.Take(s.inner) : first;
  if (y == nullptr) return rooms.size();
  Separable band = s, around = s;
  band.images = around.images = 1;
  band.height = rows;
  around.height = rows + above + below;
  const int64_t row = s.width * c * (s.low ? 2 : 4);
  char* in = x + top * row;
  const SeparableConvolutions of(band);
  SeparableConvolutions(around).Forward(c, m, in - above * row, w.dc0, w.dc0_bias, first, {}, true);
  of.ForwardDepthwise(first, w.dc2, w.dc2_bias, second, above, below);
  of.Forward(m, c, second, w.dc3, w.dc3_bias, a, {in});
  if (s.gated) {
    of.ForwardSummed(c, m, a, w.ffn0, ffn0_bias, inner);
  } else {
    of.Forward(c, s.inner, a, w.ffn0, w.ffn0_bias, inner, {}, true);
  }
  std::vector<void*> addends = {a};
  if (s.shortcut) addends.push_back(in);
  const bool is_last = s.channels_last;
  of.Forward(s.inner, c, inner, w.ffn2, w.ffn2_bias, y + top * s.width * c * (is_last ? 4 : row / (s.width * c)), addends,
             false, is_last);
  return rooms.size();
}

// So many that what is between x and y stays in the processor's caches.
inline int64_t BandRows(const Separable& s) {
  constexpr int64_t kBytes = 3 << 20;
  const int64_t row = s.width * (2 * s.channels + 2 * s.mid + s.inner) * (s.low ? 2 : 4);
  const int64_t most = std::max<int64_t>(4, kBytes / row), bands = (s.height + most - 1) / most;
  return (s.height + bands - 1) / bands;
}

inline void SeparableForward(const Separable& s, float* x, const SeparableWeights& w, float* y) {
  const int64_t c = s.channels, rows = BandRows(s);
  std::vector<float> ffn0_bias = s.gated ? ByPlace(w.ffn0_bias, s.mid) : std::vector<float>();
  Separable largest = s;
  largest.images = 1;
  largest.height = std::min(s.height, rows + 2);
  const auto compute = [&](char* memory, bool counts) {
    Rooms whole(s, memory);
    char *entered = s.IsInside() ? nullptr : whole.Take(c), *left = s.channels_last ? nullptr : whole.Take(c);
    const Rooms rooms(largest, memory + whole.size());
    if (counts) return whole.size() + SeparableRows(s, 0, rows, nullptr, w, nullptr, nullptr, rooms);
    const int64_t sizes[] = {s.images, c, s.height, s.width};
    if (entered) Runtime::Get().Copy(sizes, s.Outside(), x, s.Inside(), entered);
    for (int64_t image = 0; image < s.images; ++image) {
      const int64_t place = image * s.height * s.width * c;
      char* in = entered ? entered + place * (s.low ? 2 : 4) : reinterpret_cast<char*>(x + place);
      char* out = left ? left + place * (s.low ? 2 : 4) : reinterpret_cast<char*>(y + place);
      for (int64_t top = 0; top < s.height; top += rows) {
        SeparableRows(s, top, std::min(rows, s.height - top), in, w, ffn0_bias.data(), out, rooms);
      }
    }
    if (left) Runtime::Get().Copy(sizes, s.Inside(), left, s.Outside(), y);
    return size_t{0};
  };
  const size_t size = compute(nullptr, true);
  Runtime::Get().Together(size, [&](char* memory) { compute(memory, false); });
}

// Of one activation, from what it was given: its result, and the gradient of what it was given from that of the result.
template <bool kGated>
inline float Activated(float x, float slope) {
  if (kGated) return x * Sigmoid(slope * x);
  return x > 0 ? x : slope * x;
}

template <bool kGated>
inline float Steepness(float x, float slope) {
  if (!kGated) return x > 0 ? 1 : slope;
  const float sigmoid = Sigmoid(slope * x);
  return sigmoid * (1 + slope * x * (1 - sigmoid));
}

// Results of activations, summed over each kGroup neighbours, and over x the gradient from that of these sums.
template <typename T, bool kGated, int kGroup>
__attribute__((always_inline)) inline void ActivateAndDifferentiate(int64_t begin, int64_t end, float slope, T* x,
                                                                     const T* of_sums, T* sums) {
  for (int64_t i = begin; i < end; ++i) {
    const float of_sum = Read(of_sums[i]);
    float sum = 0;
#pragma GCC unroll 4
    for (int j = 0; j < kGroup; ++j) {
      const float value = Read(x[kGroup * i + j]);
      sum += Activated<kGated>(value, slope);
      Write(of_sum * Steepness<kGated>(value, slope), &x[kGroup * i + j]);
    }
    Write(sum, &sums[i]);
  }
}

#define MINDVIDEO_CLONED __attribute__((target_clones("avx512f", "avx2", "default")))
#define MINDVIDEO_ACTIVATION(name, type, gated, group)                                                              \
  MINDVIDEO_CLONED inline void name(int64_t begin, int64_t end, float slope, type* x, const type* of_sums,          \
                                    type* sums) {                                                                    \
    ActivateAndDifferentiate<type, gated, group>(begin, end, slope, x, of_sums, sums);                               \
  }
MINDVIDEO_ACTIVATION(GatedGradient, float, true, 1)
MINDVIDEO_ACTIVATION(GatedSumGradient, float, true, 4)
MINDVIDEO_ACTIVATION(LeakyGradient, float, false, 1)
MINDVIDEO_ACTIVATION(GatedGradient, Bfloat16, true, 1)
MINDVIDEO_ACTIVATION(GatedSumGradient, Bfloat16, true, 4)
MINDVIDEO_ACTIVATION(LeakyGradient, Bfloat16, false, 1)
#undef MINDVIDEO_ACTIVATION

// `x` becomes the gradient of what it is, `sums` (of so many numbers) the activations' results or sums of four.
template <typename T>
void DifferentiateActivation(const Separable& s, bool summed, int64_t count, T* x, const T* of_sums, T* sums) {
  const auto slope = static_cast<float>(s.slope);
  Runtime::Get().ForRanges(count, [=](int64_t begin, int64_t end) {
    if (!s.gated) return LeakyGradient(begin, end, slope, x, of_sums, sums);
    if (summed) return GatedSumGradient(begin, end, slope, x, of_sums, sums);
    GatedGradient(begin, end, slope, x, of_sums, sums);
  });
}

template <typename T>
void Add(int64_t count, const T* addend, T* x) {
  Runtime::Get().ForRanges(count, [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) Write(Read(x[i]) + Read(addend[i]), &x[i]);
  });
}

// Gradients of x and of all weights from that of y. What is inside is computed anew, so nothing but x is kept for it.
template <typename T>
void SeparableGradientOf(const Separable& s, float* x, const SeparableWeights& w, float* of_y, float* of_x,
                         const SeparableWeights& of_w) {
  const int64_t c = s.channels, m = s.mid, wide = s.Wide();
  const auto compute = [&](Rooms rooms, bool counts) {
    const auto take = [&](int64_t channels) { return reinterpret_cast<T*>(rooms.Take(channels)); };
    T *in = take(c), *of_out = take(c), *first = take(m), *activated = take(m), *mixed = take(m), *a = take(c);
    T *widened = take(wide), *inner = take(s.inner), *of_inner = take(s.inner), *of_a = take(c), *of_mid = take(m);
    T* of_first = take(m);
    if (counts) return rooms.size();
    const int64_t sizes[] = {s.images, c, s.height, s.width}, pixels = s.Pixels();
    Runtime::Get().Copy(sizes, s.Outside(), x, s.Inside(), in);
    Runtime::Get().Copy(sizes, s.Outside(), of_y, s.Inside(), of_out);
    const SeparableConvolutions of(s);
    of.Forward(c, m, in, w.dc0, w.dc0_bias, first);
    of.Forward(c, m, in, w.dc0, w.dc0_bias, activated, {}, true);
    of.ForwardDepthwise(activated, w.dc2, w.dc2_bias, mixed);
    of.Forward(m, c, mixed, w.dc3, w.dc3_bias, a, {in});
    of.Forward(c, wide, a, w.ffn0, w.ffn0_bias, widened);

    of.InputGradient(s.inner, c, 1, of_out, w.ffn2, of_inner);
    DifferentiateActivation(s, true, pixels * s.inner, widened, of_inner, inner);
    of.WeightsGradient(s.inner, c, 1, inner, of_out, of_w.ffn2, of_w.ffn2_bias);
    of.WeightsGradient(c, wide, 1, a, widened, of_w.ffn0, of_w.ffn0_bias);
    of.InputGradient(c, wide, 1, widened, w.ffn0, of_a);
    Add(pixels * c, of_out, of_a);

    of.WeightsGradient(m, c, 1, mixed, of_a, of_w.dc3, of_w.dc3_bias);
    of.InputGradient(m, c, 1, of_a, w.dc3, of_mid);
    of.WeightsGradient(m, m, 3, activated, of_mid, of_w.dc2, of_w.dc2_bias);
    of.InputGradient(m, m, 3, of_mid, w.dc2, of_first);
    DifferentiateActivation(s, false, pixels * m, first, of_first, activated);
    of.WeightsGradient(c, m, 1, in, first, of_w.dc0, of_w.dc0_bias);
    of.InputGradient(c, m, 1, first, w.dc0, in);
    Add(pixels * c, of_a, in);
    if (s.shortcut) Add(pixels * c, of_out, in);
    Runtime::Get().Copy(sizes, s.Inside(), in, s.Outside(), of_x);
    return rooms.size();
  };
  const size_t size = compute(Rooms(s, nullptr), true);
  Runtime::Get().Together(size, [&](char* memory) { compute(Rooms(s, memory), false); });
}

inline void SeparableGradient(const Separable& s, float* x, const SeparableWeights& w, float* of_y, float* of_x,
                              const SeparableWeights& of_w) {
  if (s.low) return SeparableGradientOf<Bfloat16>(s, x, w, of_y, of_x, of_w);
  SeparableGradientOf<float>(s, x, w, of_y, of_x, of_w);
}

#endif  // MINDVIDEO_SEPARABLE_H_
