// A convolution as numbers: which of its passes, sizes, geometry, and what is computed along with it.

#ifndef MINDVIDEO_PROBLEM_H_
#define MINDVIDEO_PROBLEM_H_

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "handles.h"

// All are passes of an ordinary convolution "source * weights -> destination". A transposed one has the other direction:
// from the destination's sizes to the source's.
enum class Kind : int64_t { kForward, kTransposed, kSourceGradient, kWeightsGradient };

// x * slope below zero; x * sigmoid(slope * x).
enum class Activation : int64_t { kNone, kRectifier, kGate };

// Also the key under which plans are kept.
struct Problem {
  Kind kind;
  int64_t with_bias, addends;
  Activation activation;  // of the sum with the addends
  double slope;
  int64_t accumulates;    // adds to what the result's memory holds
  int64_t channels_last;  // tensors are N, H, W, C in memory; sizes are given as N, C, H, W all the same
  int64_t weights_step;   // of the weights' rows in memory, every so manieth is taken; 0 is 1
  // What is bfloat16: what is multiplied; of the caller's tensors, what goes in, comes out and is added.
  int64_t low, low_in, low_out, low_addends;
  int64_t source[4], weights[4], destination[4];
  int64_t stride[2], dilation[2], before[2], groups;

  bool operator<(const Problem& other) const { return std::memcmp(this, &other, sizeof(Problem)) < 0; }

  // Zeros below and to the right; rows that no kernel position reaches need none.
  int64_t After(int axis) const {
    const int64_t reach = (weights[2 + axis] - 1) * dilation[axis] + 1;
    const int64_t end = (destination[2 + axis] - 1) * stride[axis] + reach;
    return std::max<int64_t>(0, end - source[2 + axis] - before[axis]);
  }
};

static_assert(sizeof(Problem) == 31 * sizeof(int64_t), "problems are compared byte by byte, so there is no padding");

using Sizes = std::vector<int64_t>;

inline int TypeOf(bool low) { return low ? onednn::kBfloat16 : onednn::kFloat32; }

// A layout that the library may choose.
inline Layout AnyLayout(const Sizes& sizes, int type = onednn::kFloat32) {
  onednn::Dims dims = {};
  std::copy(sizes.begin(), sizes.end(), dims);
  Layout layout;
  Check(onednn::dnnl_memory_desc_create_with_tag(layout.out(), static_cast<int>(sizes.size()), dims, type,
                                                 onednn::kAnyLayout),
        "describing a tensor");
  return layout;
}

// The layout whose axes lie in memory in the given order, the outermost first, of which every step-th is taken.
inline Layout OrderedLayout(const Sizes& sizes, const std::vector<size_t>& order, int type = onednn::kFloat32,
                            int64_t step = 1) {
  onednn::Dims dims = {}, strides = {};
  std::copy(sizes.begin(), sizes.end(), dims);
  int64_t stride = 1;
  for (size_t i = order.size(); i-- > 0;) {
    strides[order[i]] = stride;
    stride *= sizes[order[i]];
  }
  strides[order[0]] *= step;
  Layout layout;
  Check(onednn::dnnl_memory_desc_create_with_strides(layout.out(), static_cast<int>(sizes.size()), dims, type, strides),
        "describing a tensor");
  return layout;
}

inline Layout PicturesLayout(const int64_t* sizes, bool channels_last, bool low) {
  const Sizes all(sizes, sizes + 4);
  return channels_last ? OrderedLayout(all, {0, 2, 3, 1}, TypeOf(low)) : OrderedLayout(all, {0, 1, 2, 3}, TypeOf(low));
}

// Weights (out, in / groups, height, width) of a convolution, with groups as an axis of their own. A transposed
// convolution's roles of out and in are exchanged, in name only: they lie in memory as they were.
inline Sizes WeightsSizes(const Problem& p) {
  const int64_t out = p.weights[0] / p.groups, in = p.weights[1];
  Sizes sizes = {out, in, p.weights[2], p.weights[3]};
  if (p.kind == Kind::kTransposed) std::swap(sizes[0], sizes[1]);
  if (p.groups > 1) sizes.insert(sizes.begin(), p.groups);
  return sizes;
}

inline Layout WeightsLayout(const Problem& p) {
  std::vector<size_t> order = {0, 1, 2, 3};
  if (p.kind == Kind::kTransposed) std::swap(order[0], order[1]);
  if (p.groups > 1) {
    for (size_t& axis : order) ++axis;
    order.insert(order.begin(), 0);
  }
  return OrderedLayout(WeightsSizes(p), order, onednn::kFloat32, std::max<int64_t>(1, p.weights_step));
}

#endif  // MINDVIDEO_PROBLEM_H_
