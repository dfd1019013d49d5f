// The kernels as MindSpore "aot" operators: convolutions that leave memory layouts to oneDNN, sampling,
// resizing, deforming, normalising, sums.
//
// MindSpore's own convolutions pin plain layouts, for which oneDNN has only slow code. Here each call copies its tensors
// into the layouts that oneDNN asks for, runs its fast kernel and copies the result back; between convolutions that hand
// on tensors with channels last there is nothing to copy.
//
// Tensors are float32, N, C, H, W or N, H, W, C; weights (out, in / groups, height, width) of the ordinary convolution
// that a transposed one turns around.

#include <cstdio>

#include "deforming.h"
#include "integers.h"
#include "mindspore.h"
#include "normalising.h"
#include "resizing.h"
#include "runtime.h"
#include "sampling.h"
#include "sums.h"

namespace {

using Shape = std::vector<int64_t>;

// The settings of an operator, which its MindSpore primitive has as attributes.
struct Geometry {
  int64_t stride[2], dilation[2], padding[2][2], groups;  // padding is before and after each of the axes
  int64_t channels_last, activated, keep_weights;
  double slope = 0;

  explicit Geometry(void* handle) {
    auto* attributes = static_cast<OperatorAttributes*>(handle);
    const Shape values = attributes->Integers("geometry");
    if ((values.size() + 1) * sizeof(int64_t) != sizeof(Geometry)) {
      throw std::invalid_argument("geometry has other entries");
    }
    std::memcpy(this, values.data(), values.size() * sizeof(int64_t));
    if (activated) slope = attributes->Real("slope");
  }

  // A shape as N, C, H, W.
  void Standard(const int64_t* shape, int64_t* sizes) const {
    std::copy(shape, shape + 4, sizes);
    if (channels_last) std::rotate(sizes + 1, sizes + 3, sizes + 4);
  }

  Shape Own(Shape sizes) const {
    if (channels_last) std::rotate(sizes.begin() + 1, sizes.begin() + 2, sizes.end());
    return sizes;
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
    problem.with_addend = with_addend;
    problem.activated = activated;
    problem.slope = slope;
    return problem;
  }
};

constexpr int64_t kUnknown = -1, kUnknownRank = -2;

bool Known(int64_t left, int64_t right) { return left != kUnknown && right != kUnknown; }

std::string Text(const int64_t* shape, int rank) {
  std::string text;
  for (int i = 0; i < rank; ++i) text += (i ? ", " : "(") + std::to_string(shape[i]);
  return text + ")";
}

// Shape of a result, as far as those of x, weights and bias are known.
Shape ResultShape(const int* ranks, int64_t** shapes, const Geometry& geometry, bool transposed) {
  const int64_t *weights = shapes[1], *bias = shapes[2];
  Shape result(4, kUnknown);
  if (shapes[0][0] == kUnknownRank || weights[0] == kUnknownRank || bias[0] == kUnknownRank) return result;
  const std::string which = "an input of shape " + Text(shapes[0], ranks[0]) + ", weights of shape " +
                            Text(weights, ranks[1]) + " and a bias of shape " + Text(bias, ranks[2]);
  if (ranks[0] != 4 || ranks[1] != 4 || ranks[2] != 1) throw std::invalid_argument("no convolution takes " + which);
  int64_t x[4];
  geometry.Standard(shapes[0], x);
  const int64_t apart = weights[1] == kUnknown ? kUnknown : weights[1] * geometry.groups;
  const int64_t taken = transposed ? weights[0] : apart, given = transposed ? apart : weights[0];
  if ((Known(x[1], taken) && x[1] != taken) || (Known(given, bias[0]) && given != bias[0])) {
    throw std::invalid_argument(which + " do not fit each other in groups=" + std::to_string(geometry.groups));
  }
  result[0] = x[0];
  result[1] = bias[0];
  for (int axis = 0; axis < 2; ++axis) {
    const int64_t size = x[2 + axis], kernel = weights[2 + axis], stride = geometry.stride[axis];
    if (!Known(size, kernel)) continue;
    const int64_t reach = geometry.dilation[axis] * (kernel - 1) + 1;
    const int64_t padding = geometry.padding[axis][0] + geometry.padding[axis][1];
    const int64_t covered = transposed ? (size - 1) * stride + reach - padding : size + padding - reach;
    if (covered < (transposed ? 1 : 0)) throw std::invalid_argument("nothing is left of " + which);
    result[2 + axis] = transposed ? covered : covered / stride + 1;
  }
  return geometry.Own(result);
}

// Runs the body; a failure is said on stderr, and MindSpore raises an error of its own for the status.
template <typename Body>
int Guarded(const Body& body) {
  try {
    body();
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "A kernel of mindvideo: %s.\n", error.what());
    return 1;
  }
}

float* Floats(void* tensor) { return static_cast<float*>(tensor); }

int64_t Count(const int64_t* shape, int rank) {
  int64_t count = 1;
  for (int i = 0; i < rank; ++i) count *= shape[i];
  return count;
}

// x, weights, bias and perhaps an addend -> y
void Forward(Kind kind, int count, void** tensors, int64_t** shapes, void* attributes) {
  const Geometry geometry(attributes);
  const int y = count - 1;
  const bool with_addend = y == 4, transposed = kind == Kind::kTransposed;
  const int64_t* source = shapes[transposed ? y : 0];
  const int64_t* destination = shapes[transposed ? 0 : y];
  const Problem problem = geometry.MakeWhole(kind, source, shapes[1], destination, with_addend);
  std::vector<void*> ordered = {tensors[0], tensors[1], tensors[y], tensors[2]};
  if (with_addend) ordered.push_back(tensors[3]);
  Runtime::Get().Convolve(problem, ordered, geometry.keep_weights);
}

// x, gradient of y, weights (their shape counts) -> gradients of weights and bias; which of x and y is the source?
void WeightsGradient(int source, void** tensors, int64_t** shapes, void* attributes) {
  const Geometry geometry(attributes);
  const int destination = 1 - source;
  const Problem problem =
      geometry.MakeProblem(Kind::kWeightsGradient, shapes[source], shapes[3], shapes[destination]);
  Runtime::Get().Convolve(problem, {tensors[source], tensors[3], tensors[destination]}, false);
  int64_t of_y[4];
  geometry.Standard(shapes[1], of_y);
  SumChannels(Floats(tensors[1]), Floats(tensors[4]), of_y, geometry.channels_last);
}

// Whether the first input is a picture N, C, H, W, with a flow in pixels; else it is a stack N, C, D, H, W, with a flow in
// halves of its sides and a depth.
bool IsPicture(const int* ranks) { return ranks[0] == 4; }

Sampling MakeSampling(const int* ranks, int64_t** shapes) {
  const int64_t *sampled = shapes[0], *flow = shapes[1];
  if (IsPicture(ranks)) return {sampled[0], sampled[1], 1, sampled[2], sampled[3], flow[2], flow[3], 1, 1};
  const float half_width = static_cast<float>(flow[3]) / 2, half_height = static_cast<float>(flow[2]) / 2;
  return {sampled[0], sampled[1], sampled[2],  sampled[3], sampled[4],
          flow[2],    flow[3],    half_width, half_height};
}

// For x N, H, W, C and a mask N, H, W, groups * 9.
Deforming MakeDeforming(const int64_t* x, const int64_t* mask) {
  const int64_t groups = mask[3] / Deforming::kTaps;
  if (groups < 1 || mask[3] % Deforming::kTaps || x[3] % groups) {
    throw std::invalid_argument("nothing is deformed by a mask of shape " + Text(mask, 4) + " in an input of shape " +
                                Text(x, 4));
  }
  return {x[0], x[1], x[2], groups, x[3] / groups};
}

// For x N, H, W, C.
Normalising MakeNormalising(const int64_t* x, void* attributes) {
  return {x[0] * x[1] * x[2], x[3], static_cast<OperatorAttributes*>(attributes)->Real("epsilon")};
}

// The settings of a resizing, which its MindSpore primitive has as an attribute.
struct Factors {
  int64_t enlarge[2], reduce[2], aligned, channels_last;

  explicit Factors(void* attributes) {
    const Shape values = static_cast<OperatorAttributes*>(attributes)->Integers("resizing");
    if (values.size() * sizeof(int64_t) != sizeof(Factors)) throw std::invalid_argument("resizing has other entries");
    std::memcpy(this, values.data(), sizeof(Factors));
  }

  int64_t Resized(int64_t size, int axis) const {
    return size == kUnknown ? kUnknown : size * enlarge[axis] / reduce[axis];
  }

  Shape Resized(const int64_t* x) const {
    Shape shape(x, x + 4);
    for (int axis = 0; axis < 2; ++axis) shape[Rows() + axis] = Resized(x[Rows() + axis], axis);
    return shape;
  }

  Resizing Of(const int64_t* x) const {
    const int64_t rows = x[Rows()], columns = x[Rows() + 1];
    return {channels_last ? x[0] : x[0] * x[1],
            channels_last ? x[3] : 1,
            columns,
            Blends(rows, Resized(rows, 0), aligned),
            Blends(columns, Resized(columns, 1), aligned),
            rows};
  }

 private:
  int Rows() const { return channels_last ? 1 : 2; }
};

}  // namespace

// MindSpore finds an operator, and what infers the shapes of its results, by name.
#define EXPORTED extern "C" __attribute__((visibility("default")))
#define OPERATOR(name)                                                                                            \
  EXPORTED int name([[maybe_unused]] int count, void** tensors, [[maybe_unused]] int* ranks, int64_t** shapes,    \
                    const char**, void*, [[maybe_unused]] void* attributes)
#define RESULT_SHAPE(name) \
  EXPORTED Shape name##InferShape(int* ranks, int64_t** shapes, [[maybe_unused]] void* attributes)
#define RESULT_SHAPES(name) \
  EXPORTED std::vector<Shape> name##InferShape(int* ranks, int64_t** shapes, [[maybe_unused]] void* attributes)

OPERATOR(Convolution) {
  return Guarded([&] { Forward(Kind::kForward, count, tensors, shapes, attributes); });
}

OPERATOR(TransposedConvolution) {
  return Guarded([&] { Forward(Kind::kTransposed, count, tensors, shapes, attributes); });
}

OPERATOR(ConvolutionSum) {
  return Guarded([&] { Forward(Kind::kForward, count, tensors, shapes, attributes); });
}

RESULT_SHAPE(Convolution) { return ResultShape(ranks, shapes, Geometry(attributes), false); }
RESULT_SHAPE(TransposedConvolution) { return ResultShape(ranks, shapes, Geometry(attributes), true); }
RESULT_SHAPE(ConvolutionSum) { return ResultShape(ranks, shapes, Geometry(attributes), false); }

// gradient of y, weights, x (its shape counts) -> gradient of x
OPERATOR(ConvolutionInputGradient) {
  return Guarded([&] {
    const Geometry geometry(attributes);
    Runtime::Get().Convolve(geometry.MakeProblem(Kind::kSourceGradient, shapes[3], shapes[1], shapes[0]),
                            {tensors[3], tensors[1], tensors[0]}, false);
  });
}

OPERATOR(TransposedConvolutionInputGradient) {
  return Guarded([&] {
    const Geometry geometry(attributes);
    Runtime::Get().Convolve(geometry.MakeProblem(Kind::kForward, shapes[0], shapes[1], shapes[3]),
                            {tensors[0], tensors[1], tensors[3]}, false);
  });
}

RESULT_SHAPE(ConvolutionInputGradient) { return Shape(shapes[2], shapes[2] + ranks[2]); }
RESULT_SHAPE(TransposedConvolutionInputGradient) { return Shape(shapes[2], shapes[2] + ranks[2]); }

OPERATOR(ConvolutionWeightsGradient) {
  return Guarded([&] { WeightsGradient(0, tensors, shapes, attributes); });
}

OPERATOR(TransposedConvolutionWeightsGradient) {
  return Guarded([&] { WeightsGradient(1, tensors, shapes, attributes); });
}

static std::vector<Shape> WeightsGradientShapes(const int* ranks, int64_t** shapes, void* attributes) {
  const int channels = Geometry(attributes).channels_last ? 3 : 1;
  const int64_t of_bias = shapes[1][0] == kUnknownRank ? kUnknown : shapes[1][channels];
  return {Shape(shapes[2], shapes[2] + ranks[2]), {of_bias}};
}

RESULT_SHAPES(ConvolutionWeightsGradient) { return WeightsGradientShapes(ranks, shapes, attributes); }
RESULT_SHAPES(TransposedConvolutionWeightsGradient) { return WeightsGradientShapes(ranks, shapes, attributes); }

// gradient of y, y -> gradient of what y was made from by a leaky ReLU
OPERATOR(RectifierGradient) {
  return Guarded([&] {
    const auto slope = static_cast<OperatorAttributes*>(attributes)->Real("slope");
    RectifierGradient(Floats(tensors[0]), Floats(tensors[1]), Floats(tensors[2]), Count(shapes[0], ranks[0]), slope);
  });
}

RESULT_SHAPE(RectifierGradient) { return Shape(shapes[0], shapes[0] + ranks[0]); }

// x -> sum of its squares
OPERATOR(SumOfSquares) {
  return Guarded([&] { *Floats(tensors[1]) = SumSquares(Floats(tensors[0]), Count(shapes[0], ranks[0])); });
}

RESULT_SHAPE(SumOfSquares) { return {1}; }

// picture, flow -> result, or stack, flow, depth -> result; see `Sampling`
OPERATOR(Sample) {
  return Guarded([&] {
    const float* depth = IsPicture(ranks) ? nullptr : Floats(tensors[2]);
    Sample(MakeSampling(ranks, shapes), Floats(tensors[0]), Floats(tensors[1]), depth, Floats(tensors[count - 1]));
  });
}

RESULT_SHAPE(Sample) {
  if (shapes[0][0] == kUnknownRank || shapes[1][0] == kUnknownRank) return Shape(4, kUnknown);
  return {shapes[0][0], shapes[0][1], shapes[1][2], shapes[1][3]};
}

// what was sampled (its shape counts), flow, perhaps depth, gradient of the result -> gradient of what was sampled
OPERATOR(SampleGradient) {
  return Guarded([&] {
    const float* depth = IsPicture(ranks) ? nullptr : Floats(tensors[2]);
    SampleGradient(MakeSampling(ranks, shapes), Floats(tensors[1]), depth, Floats(tensors[count - 2]),
                   Floats(tensors[count - 1]));
  });
}

RESULT_SHAPE(SampleGradient) { return Shape(shapes[0], shapes[0] + ranks[0]); }

// picture, flow, gradient of the result -> gradient of the flow
OPERATOR(SampleFlowGradient) {
  return Guarded([&] {
    SampleMotionGradient(MakeSampling(ranks, shapes), Floats(tensors[0]), Floats(tensors[1]), nullptr,
                         Floats(tensors[2]), Floats(tensors[3]), nullptr);
  });
}

RESULT_SHAPE(SampleFlowGradient) { return Shape(shapes[1], shapes[1] + ranks[1]); }

// stack, flow, depth, gradient of the result -> gradients of flow and depth
OPERATOR(SampleMotionGradient) {
  return Guarded([&] {
    SampleMotionGradient(MakeSampling(ranks, shapes), Floats(tensors[0]), Floats(tensors[1]), Floats(tensors[2]),
                         Floats(tensors[3]), Floats(tensors[4]), Floats(tensors[5]));
  });
}

RESULT_SHAPES(SampleMotionGradient) {
  return {Shape(shapes[1], shapes[1] + ranks[1]), Shape(shapes[2], shapes[2] + ranks[2])};
}

// x -> result
OPERATOR(Resize) {
  return Guarded([&] { Resize(Factors(attributes).Of(shapes[0]), Floats(tensors[0]), Floats(tensors[1])); });
}

RESULT_SHAPE(Resize) {
  return shapes[0][0] == kUnknownRank ? Shape(4, kUnknown) : Factors(attributes).Resized(shapes[0]);
}

// x (its shape counts), gradient of the result -> gradient of x
OPERATOR(ResizeGradient) {
  return Guarded([&] { ResizeGradient(Factors(attributes).Of(shapes[0]), Floats(tensors[1]), Floats(tensors[2])); });
}

RESULT_SHAPE(ResizeGradient) { return Shape(shapes[0], shapes[0] + ranks[0]); }

// x, gamma, beta -> y; see `Normalising`
OPERATOR(Normalise) {
  return Guarded([&] {
    Normalise(MakeNormalising(shapes[0], attributes), Floats(tensors[0]), Floats(tensors[1]), Floats(tensors[2]),
              Floats(tensors[3]));
  });
}

RESULT_SHAPE(Normalise) { return Shape(shapes[0], shapes[0] + ranks[0]); }

// x, gamma, gradient of y -> gradient of x
OPERATOR(NormaliseGradient) {
  return Guarded([&] {
    NormaliseGradient(MakeNormalising(shapes[0], attributes), Floats(tensors[0]), Floats(tensors[1]),
                      Floats(tensors[2]), Floats(tensors[3]));
  });
}

RESULT_SHAPE(NormaliseGradient) { return Shape(shapes[0], shapes[0] + ranks[0]); }

// x, gamma (its shape counts), gradient of y -> gradients of gamma and beta
OPERATOR(NormaliseScaleGradients) {
  return Guarded([&] {
    NormaliseScaleGradients(MakeNormalising(shapes[0], attributes), Floats(tensors[0]), Floats(tensors[2]),
                            Floats(tensors[3]), Floats(tensors[4]));
  });
}

RESULT_SHAPES(NormaliseScaleGradients) {
  const Shape shape(shapes[1], shapes[1] + ranks[1]);
  return {shape, shape};
}

// x, offsets, mask -> columns; see `Deforming`
OPERATOR(DeformedColumns) {
  return Guarded([&] {
    DeformedColumns(MakeDeforming(shapes[0], shapes[2]), Floats(tensors[0]), Floats(tensors[1]), Floats(tensors[2]),
                    Floats(tensors[3]));
  });
}

RESULT_SHAPE(DeformedColumns) {
  if (shapes[0][0] == kUnknownRank) return Shape(4, kUnknown);
  Shape shape(shapes[0], shapes[0] + 4);
  if (shape[3] != kUnknown) shape[3] *= Deforming::kTaps;
  return shape;
}

// x (its shape counts), offsets, mask, gradient of the columns -> gradient of x
OPERATOR(DeformedColumnsGradient) {
  return Guarded([&] {
    DeformedGradient(MakeDeforming(shapes[0], shapes[2]), Floats(tensors[1]), Floats(tensors[2]), Floats(tensors[3]),
                     Floats(tensors[4]));
  });
}

RESULT_SHAPE(DeformedColumnsGradient) { return Shape(shapes[0], shapes[0] + ranks[0]); }

// x, offsets, mask, gradient of the columns -> gradients of offsets and mask
OPERATOR(DeformedColumnsMotionGradient) {
  return Guarded([&] {
    DeformedMotionGradient(MakeDeforming(shapes[0], shapes[2]), Floats(tensors[0]), Floats(tensors[1]),
                           Floats(tensors[2]), Floats(tensors[3]), Floats(tensors[4]), Floats(tensors[5]));
  });
}

RESULT_SHAPES(DeformedColumnsMotionGradient) {
  return {Shape(shapes[1], shapes[1] + ranks[1]), Shape(shapes[2], shapes[2] + ranks[2])};
}

// The instruction set that oneDNN uses here, as its number.
EXPORTED int Instructions() { return onednn::dnnl_get_effective_cpu_isa(); }

// See `MultiplyIntegers`; called from Python, not by MindSpore.
EXPORTED int IntegerProduct(const int16_t* weights, const double* columns, double* sums, int64_t rows, int64_t depth,
                            int64_t count) {
  return Guarded([&] { MultiplyIntegers(weights, columns, sums, rows, depth, count); });
}

// Load oneDNN from the path, once, and let it use instructions up to the given set (0: all that the processor has);
// compute on so many threads from now on. Later calls only change the threads.
EXPORTED int Start(const char* onednn, int instructions, int threads) {
  return Guarded([&] {
    static const bool loaded = [&] {
      onednn::Load(onednn);
      Check(onednn::dnnl_set_max_cpu_isa(instructions), "choosing instructions");
      return true;
    }();
    if (loaded) Runtime::Get().SetThreads(threads);
  });
}
