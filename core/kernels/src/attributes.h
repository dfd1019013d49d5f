// The settings of operators, which their MindSpore primitives have as attributes.

#ifndef MINDVIDEO_ATTRIBUTES_H_
#define MINDVIDEO_ATTRIBUTES_H_

#include "mindspore.h"
#include "problem.h"
#include "resize.h"
#include "shapes.h"

inline double RealAttribute(void* attributes, const char* name) {
  return static_cast<OperatorAttributes*>(attributes)->Real(name);
}

// Reads the entries of an attribute that is a list, one after the other.
class Entries {
 public:
  Entries(void* attributes, const char* name, size_t count)
      : values_(static_cast<OperatorAttributes*>(attributes)->Integers(name)) {
    if (values_.size() != count) throw std::invalid_argument(std::string(name) + " has other entries");
  }

  int64_t Next() { return values_[next_++]; }

  void NextPair(int64_t* pair) {
    pair[0] = Next();
    pair[1] = Next();
  }

  void NextPositivePair(int64_t* pair) {
    NextPair(pair);
    if (std::min(pair[0], pair[1]) < 1) throw std::invalid_argument("strides, dilations and factors are positive");
  }

 private:
  const std::vector<int64_t> values_;
  size_t next_ = 0;
};

// Of a convolution.
struct Geometry {
  int64_t stride[2], dilation[2], padding[2][2], groups;  // padding is before and after each of the axes
  int64_t channels_last, activated, keep_weights, low, low_in, low_out;
  double slope = 0;

  explicit Geometry(void* attributes) {
    Entries entries(attributes, "geometry", 15);
    entries.NextPositivePair(stride);
    entries.NextPositivePair(dilation);
    entries.NextPair(padding[0]);
    entries.NextPair(padding[1]);
    groups = entries.Next();
    channels_last = entries.Next();
    activated = entries.Next();
    keep_weights = entries.Next();
    low = entries.Next();
    low_in = entries.Next();
    low_out = entries.Next();
    if (groups < 1) throw std::invalid_argument("there is at least one group");
    if (activated) slope = RealAttribute(attributes, "slope");
  }

  // Patterns of what goes in, of what comes out and of the weights: O, I / groups, height, width of an ordinary
  // convolution; a transposed one turns one around that goes from O to I channels.
  const char* Input() const { return channels_last ? "N H W I" : "N I H W"; }
  const char* Output() const { return channels_last ? "N h w O" : "N O h w"; }
  static const char* Weights(bool transposed) { return transposed ? "I A K L" : "O A K L"; }

  // Binds what follows from inputs and weights: the other channels and the output's sides. Throws where they contradict.
  void Complete(bool transposed, Axes* axes) const {
    const char whole = transposed ? 'I' : 'O', apart = transposed ? 'O' : 'I';
    const std::string why = "their channels do not fit each other in groups=" + std::to_string(groups);
    if ((*axes)['A'] != kUnknown) axes->Bind(apart, (*axes)['A'] * groups, why);
    if ((*axes)[whole] != kUnknown && (*axes)[whole] % groups) axes->Fail(why);
    for (int axis = 0; axis < 2; ++axis) {
      const int64_t size = (*axes)["HW"[axis]], kernel = (*axes)["KL"[axis]];
      if (size == kUnknown || kernel == kUnknown) continue;
      const int64_t reach = dilation[axis] * (kernel - 1) + 1, zeros = padding[axis][0] + padding[axis][1];
      const int64_t covered = transposed ? (size - 1) * stride[axis] + reach - zeros : size + zeros - reach;
      if (kernel < 1 || covered < (transposed ? 1 : 0)) axes->Fail("nothing is left");
      axes->Bind("hw"[axis], transposed ? covered : covered / stride[axis] + 1, "their sides do not fit each other");
    }
  }

  // A shape as N, C, H, W.
  void Standard(const int64_t* shape, int64_t* sizes) const {
    std::copy(shape, shape + 4, sizes);
    if (channels_last) std::rotate(sizes + 1, sizes + 3, sizes + 4);
  }

  // A pass without what follows it.
  Problem MakeProblem(Kind kind, const int64_t* source, const int64_t* weights, const int64_t* destination) const {
    Problem problem = {};
    problem.kind = kind;
    problem.channels_last = channels_last;
    problem.groups = groups;
    Standard(source, problem.source);
    Standard(destination, problem.destination);
    std::copy(weights, weights + 4, problem.weights);
    std::copy(stride, stride + 2, problem.stride);
    std::copy(dilation, dilation + 2, problem.dilation);
    problem.before[0] = padding[0][0];
    problem.before[1] = padding[1][0];
    return problem;
  }

  // A pass with bias, activation and, where there is one, an addend.
  Problem MakeWhole(Kind kind, const int64_t* source, const int64_t* weights, const int64_t* destination,
                    bool with_addend) const {
    Problem problem = MakeProblem(kind, source, weights, destination);
    problem.with_bias = 1;
    problem.addends = with_addend;
    problem.activation = activated ? Activation::kRectifier : Activation::kNone;
    problem.slope = slope;
    problem.low = low;
    problem.low_in = low_in;
    problem.low_out = low_out;
    return problem;
  }
};

// Of a resizing.
struct Factors {
  int64_t enlarge[2], reduce[2], aligned, channels_last;

  explicit Factors(void* attributes) {
    Entries entries(attributes, "resizing", 6);
    entries.NextPositivePair(enlarge);
    entries.NextPositivePair(reduce);
    aligned = entries.Next();
    channels_last = entries.Next();
  }

  const char* Input() const { return channels_last ? "N H W C" : "N C H W"; }
  const char* Output() const { return channels_last ? "N h w C" : "N C h w"; }

  // Binds the output's sides; throws where they are others.
  void Complete(Axes* axes) const {
    for (int axis = 0; axis < 2; ++axis) {
      const int64_t size = (*axes)["HW"[axis]];
      if (size == kUnknown) continue;
      axes->Bind("hw"[axis], size * enlarge[axis] / reduce[axis], "their sides do not fit these factors");
    }
  }

  // Of axes that are complete.
  Resizing Of(const Axes& axes) const {
    return {channels_last ? axes['N'] : axes['N'] * axes['C'],
            channels_last ? axes['C'] : 1,
            axes['W'],
            Blends(axes['H'], axes['h'], aligned),
            Blends(axes['W'], axes['w'], aligned),
            axes['H']};
  }
};

#endif  // MINDVIDEO_ATTRIBUTES_H_
