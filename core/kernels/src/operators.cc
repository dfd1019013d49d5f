// The kernels as MindSpore "aot" operators: convolutions that leave memory layouts to oneDNN, sampling,
// resizing, deforming, normalising, sums, block motion, motion towards the middle.
//
// MindSpore's own convolutions pin plain layouts, for which oneDNN has only slow code. Here each call copies its tensors
// into the layouts that oneDNN asks for, runs its fast kernel and copies the result back; between convolutions that hand
// on tensors with channels last there is nothing to copy.
//
// Tensors are float32, N, C, H, W or N, H, W, C; weights (out, in / groups, height, width) of the ordinary convolution
// that a transposed one turns around.

#include <cstdio>

#include "attributes.h"
#include "deformable_conv.h"
#include "integers.h"
#include "middle.h"
#include "motion.h"
#include "channel_norm.h"
#include "runtime.h"
#include "grid_sample.h"
#include "separable.h"
#include "reductions.h"

namespace {

constexpr int kFailed = 1;
constexpr int kNoMemory = 2;  // which core/ending.py knows

// Runs the body; a failure is said on stderr, and MindSpore raises an error of its own that names the status.
template <typename Body>
int Guarded(const Body& body) {
  try {
    body();
    return 0;
  } catch (const std::bad_alloc&) {
    std::fprintf(stderr, "A kernel of mindvideo: there is not enough memory.\n");
    return kNoMemory;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "A kernel of mindvideo: %s.\n", error.what());
  } catch (...) {
    std::fprintf(stderr, "A kernel of mindvideo failed.\n");
  }
  return kFailed;
}

using Patterns = std::vector<const char*>;

float* Floats(void* tensor) { return static_cast<float*>(tensor); }

int64_t Count(const int64_t* shape, int rank) {
  int64_t count = 1;
  for (int i = 0; i < rank; ++i) count *= shape[i];
  return count;
}

// The axes of a convolution's tensors.
Axes Convolved(const Call& call, const Geometry& geometry, bool transposed, Patterns patterns) {
  Axes axes(call, std::move(patterns));
  geometry.Complete(transposed, &axes);
  return axes;
}

Patterns ForwardInputs(const Geometry& geometry, bool transposed, bool with_addend) {
  Patterns inputs = {geometry.Input(), Geometry::Weights(transposed), "O"};
  if (with_addend) inputs.push_back(geometry.Output());
  return inputs;
}

Shape ForwardShape(const Call& call, bool transposed, bool with_addend) {
  const Geometry geometry(call.attributes);
  const Patterns inputs = ForwardInputs(geometry, transposed, with_addend);
  return Convolved(call, geometry, transposed, inputs).Of(geometry.Output());
}

void Forward(const Call& call, Kind kind, bool with_addend, void** tensors) {
  const Geometry geometry(call.attributes);
  const bool transposed = kind == Kind::kTransposed;
  Patterns patterns = ForwardInputs(geometry, transposed, with_addend);
  const size_t y = patterns.size();
  patterns.push_back(geometry.Output());
  Convolved(call, geometry, transposed, patterns);
  const int64_t* source = call.shapes[transposed ? y : 0];
  const int64_t* destination = call.shapes[transposed ? 0 : y];
  const Problem problem = geometry.MakeWhole(kind, source, call.shapes[1], destination, with_addend);
  std::vector<void*> ordered = {tensors[0], tensors[1], tensors[y], tensors[2]};
  if (with_addend) ordered.push_back(tensors[3]);
  Runtime::Get().Convolve(problem, ordered, geometry.keep_weights);
}

Patterns InputGradientInputs(const Geometry& geometry, bool transposed) {
  return {geometry.Output(), Geometry::Weights(transposed), geometry.Input()};
}

Shape InputGradientShape(const Call& call, bool transposed) {
  const Geometry geometry(call.attributes);
  Convolved(call, geometry, transposed, InputGradientInputs(geometry, transposed));
  return call.Given(2);
}

void InputGradient(const Call& call, bool transposed, void** tensors) {
  const Geometry geometry(call.attributes);
  Patterns patterns = InputGradientInputs(geometry, transposed);
  patterns.push_back(geometry.Input());
  Convolved(call, geometry, transposed, patterns);
  const int64_t *of_y = call.shapes[0], *weights = call.shapes[1], *of_x = call.shapes[3];
  const Problem problem = transposed ? geometry.MakeProblem(Kind::kForward, of_y, weights, of_x)
                                     : geometry.MakeProblem(Kind::kSourceGradient, of_x, weights, of_y);
  std::vector<void*> ordered = {tensors[3], tensors[1], tensors[0]};
  if (transposed) std::swap(ordered[0], ordered[2]);
  Runtime::Get().Convolve(problem, ordered, false);
}

Patterns WeightsGradientInputs(const Geometry& geometry, bool transposed) {
  return {geometry.Input(), geometry.Output(), Geometry::Weights(transposed)};
}

std::vector<Shape> WeightsGradientShapes(const Call& call, bool transposed) {
  const Geometry geometry(call.attributes);
  const Axes axes = Convolved(call, geometry, transposed, WeightsGradientInputs(geometry, transposed));
  return {call.Given(2), axes.Of("O")};
}

// Of a transposed convolution, y is the source.
void WeightsGradient(const Call& call, bool transposed, void** tensors) {
  const Geometry geometry(call.attributes);
  Patterns patterns = WeightsGradientInputs(geometry, transposed);
  patterns.push_back(Geometry::Weights(transposed));
  patterns.push_back("O");
  Convolved(call, geometry, transposed, patterns);
  const int source = transposed ? 1 : 0, destination = 1 - source;
  const Problem problem =
      geometry.MakeProblem(Kind::kWeightsGradient, call.shapes[source], call.shapes[3], call.shapes[destination]);
  Runtime::Get().Convolve(problem, {tensors[source], tensors[3], tensors[destination]}, false);
  int64_t of_y[4];
  geometry.Standard(call.shapes[1], of_y);
  SumChannels(Floats(tensors[1]), Floats(tensors[4]), of_y, geometry.channels_last);
}

constexpr const char *kPicture = "N C H W", *kStack = "N C D H W";
constexpr const char *kFlow = "N 2 h w", *kDepth = "N 1 h w", *kSamples = "N C h w";

// Of a picture, whose flow is in pixels.
Sampling OfPicture(const Axes& axes) {
  return {axes['N'], axes['C'], 1, axes['H'], axes['W'], axes['h'], axes['w'], 1, 1};
}

// Of a stack, whose flow is in halves of its own sides.
Sampling OfStack(const Axes& axes) {
  const float half_width = static_cast<float>(axes['w']) / 2, half_height = static_cast<float>(axes['h']) / 2;
  return {axes['N'], axes['C'], axes['D'],  axes['H'],  axes['W'],
          axes['h'], axes['w'], half_width, half_height};
}

constexpr const char *kLast = "N H W C", *kOffsets = "N H W 18G", *kMask = "N H W 9G", *kColumns = "N H W 9C";

// The axes of tensors of these patterns: x, offsets, mask and more; see `Deforming`.
Axes Deformed(const Call& call, Patterns more = {}) {
  Patterns patterns = {kLast, kOffsets, kMask};
  patterns.insert(patterns.end(), more.begin(), more.end());
  Axes axes(call, std::move(patterns));
  const int64_t groups = axes['G'], channels = axes['C'];
  if (groups == 0 || (groups != kUnknown && channels != kUnknown && channels % groups)) {
    axes.Fail("the channels cannot be deformed in " + std::to_string(groups) + " groups");
  }
  return axes;
}

Deforming MakeDeforming(const Axes& axes) {
  return {axes['N'], axes['H'], axes['W'], axes['G'], axes['C'] / axes['G']};
}

// The axes of x and of other tensors.
Axes Normalised(const Call& call, Patterns patterns) {
  Axes axes(call, std::move(patterns));
  if (axes['C'] != kUnknown && axes['C'] < 2) axes.Fail("there is no variance of fewer than two channels");
  return axes;
}

Normalising MakeNormalising(const Axes& axes, void* attributes) {
  return {axes['N'] * axes['H'] * axes['W'], axes['C'], RealAttribute(attributes, "epsilon")};
}

MiddleSearch MakeMiddleSearch(void* attributes) {
  Entries sides(attributes, "sides", 3);
  MiddleSearch search{};
  search.levels = sides.Next();
  search.window = sides.Next();
  search.smoothing = sides.Next();
  const auto real = [&](const char* name) { return static_cast<float>(RealAttribute(attributes, name)); };
  search.step_price = real("step_price");
  search.rest_price = real("rest_price");
  search.rest_share = real("rest_share");
  search.certain = real("certain");
  if (search.levels < 1 || std::min(search.window, search.smoothing) < 1) {
    throw std::invalid_argument("levels and windows are positive");
  }
  return search;
}

constexpr const char *kBlocks = "N 1 16h 16w", *kVectors = "N 2 h w";

// The axes of a picture, its blocks' vectors and other tensors.
Axes Displaced(const Call& call, Patterns patterns) {
  Axes axes(call, std::move(patterns));
  const int64_t height = axes['H'], width = axes['W'], rows = axes['h'], columns = axes['w'];
  if (std::min({height, width, rows, columns}) > 0) {
    if (height % rows || width % columns || height / rows != width / columns) axes.Fail("its blocks are no squares");
  }
  return axes;
}

Displacing MakeDisplacing(const Axes& axes) {
  return {axes['N'], axes['C'], axes['H'], axes['W'], axes['h'], axes['w']};
}

Axes Resized(const Call& call, const Factors& factors, Patterns patterns) {
  Axes axes(call, std::move(patterns));
  factors.Complete(&axes);
  return axes;
}

// Patterns of a block's parameters: dc.0, dc.2, dc.3, ffn.0 and ffn.2, each with its bias.
const Patterns kSeparable = {"M C 1 1", "M", "M 1 3 3", "M", "C M 1 1", "C", "E C 1 1", "E", "C J 1 1", "C"};

// Of an operator that takes x, the parameters and more tensors of x's pattern.
Separable MakeSeparable(const Call& call, size_t more) {
  Entries entries(call.attributes, "separable", 4);
  Separable s = {};
  s.gated = entries.Next();
  s.shortcut = entries.Next();
  s.channels_last = entries.Next();
  s.low = entries.Next();
  s.slope = RealAttribute(call.attributes, "slope");
  const char* pictures = s.channels_last ? "N H W C" : "N C H W";
  Patterns patterns = {pictures};
  patterns.insert(patterns.end(), kSeparable.begin(), kSeparable.end());
  patterns.insert(patterns.end(), more, pictures);
  const Axes axes(call, patterns);
  const int64_t wide = s.gated ? Separable::kSummed * axes['J'] : axes['J'];
  if (axes['E'] != kUnknown && axes['J'] != kUnknown && axes['E'] != wide) {
    axes.Fail("ffn.2 takes other channels than ffn.0 gives");
  }
  if (s.gated && axes['J'] != axes['M']) axes.Fail("ffn.2 takes other channels than dc.2 gives");
  s.images = axes['N'], s.height = axes['H'], s.width = axes['W'];
  s.channels = axes['C'], s.mid = axes['M'], s.inner = axes['J'];
  return s;
}

SeparableWeights ParametersAt(void** tensors) {
  SeparableWeights w;
  float** const all[] = {&w.dc0,      &w.dc0_bias, &w.dc2,       &w.dc2_bias, &w.dc3,
                         &w.dc3_bias, &w.ffn0,     &w.ffn0_bias, &w.ffn2,     &w.ffn2_bias};
  for (size_t i = 0; i < kSeparable.size(); ++i) *all[i] = Floats(tensors[i]);
  return w;
}

}  // namespace

// MindSpore finds an operator, and what infers the shapes of its results, by name. Both check shapes first.
#define EXPORTED extern "C" __attribute__((visibility("default")))
#define OPERATOR(name)                                                                                           \
  static void name##Computed(const Call& call, void** tensors);                                                  \
  EXPORTED int name(int, void** tensors, int* ranks, int64_t** shapes, const char**, void*, void* attributes) { \
    return Guarded([&] { name##Computed({#name, ranks, shapes, attributes}, tensors); });                        \
  }                                                                                                              \
  static void name##Computed([[maybe_unused]] const Call& call, void** tensors)
#define INFERRED(type, name)                                                       \
  static type name##Inferred(const Call& call);                                    \
  EXPORTED type name##InferShape(int* ranks, int64_t** shapes, void* attributes) { \
    return name##Inferred({#name, ranks, shapes, attributes});                     \
  }                                                                                \
  static type name##Inferred([[maybe_unused]] const Call& call)
#define RESULT_SHAPE(name) INFERRED(Shape, name)
#define RESULT_SHAPES(name) INFERRED(std::vector<Shape>, name)

// x, weights, bias -> y
OPERATOR(Convolution) { Forward(call, Kind::kForward, false, tensors); }
OPERATOR(TransposedConvolution) { Forward(call, Kind::kTransposed, false, tensors); }

// x, weights, bias, addend -> y
OPERATOR(ConvolutionSum) { Forward(call, Kind::kForward, true, tensors); }
RESULT_SHAPE(Convolution) { return ForwardShape(call, false, false); }
RESULT_SHAPE(TransposedConvolution) { return ForwardShape(call, true, false); }
RESULT_SHAPE(ConvolutionSum) { return ForwardShape(call, false, true); }

// gradient of y, weights, x (its shape counts) -> gradient of x
OPERATOR(ConvolutionInputGradient) { InputGradient(call, false, tensors); }
OPERATOR(TransposedConvolutionInputGradient) { InputGradient(call, true, tensors); }
RESULT_SHAPE(ConvolutionInputGradient) { return InputGradientShape(call, false); }
RESULT_SHAPE(TransposedConvolutionInputGradient) { return InputGradientShape(call, true); }

// x, gradient of y, weights (their shape counts) -> gradients of weights and bias
OPERATOR(ConvolutionWeightsGradient) { WeightsGradient(call, false, tensors); }
OPERATOR(TransposedConvolutionWeightsGradient) { WeightsGradient(call, true, tensors); }
RESULT_SHAPES(ConvolutionWeightsGradient) { return WeightsGradientShapes(call, false); }
RESULT_SHAPES(TransposedConvolutionWeightsGradient) { return WeightsGradientShapes(call, true); }

// gradient of y, y -> gradient of what y was made from by a leaky ReLU
OPERATOR(RectifierGradient) {
  RequireEqual(call, 3);
  const auto slope = static_cast<float>(RealAttribute(call.attributes, "slope"));
  const int64_t count = Count(call.shapes[0], call.ranks[0]);
  RectifierGradient(Floats(tensors[0]), Floats(tensors[1]), Floats(tensors[2]), count, slope);
}

RESULT_SHAPE(RectifierGradient) {
  RequireEqual(call, 2);
  return call.Given(0);
}

// x -> sum of its squares
OPERATOR(SumOfSquares) { *Floats(tensors[1]) = SumSquares(Floats(tensors[0]), Count(call.shapes[0], call.ranks[0])); }
RESULT_SHAPE(SumOfSquares) { return {1}; }

// picture, flow -> result; see `Sampling`
OPERATOR(SamplePicture) {
  const Axes axes(call, {kPicture, kFlow, kSamples});
  Sample(OfPicture(axes), Floats(tensors[0]), Floats(tensors[1]), nullptr, Floats(tensors[2]));
}

RESULT_SHAPE(SamplePicture) { return Axes(call, {kPicture, kFlow}).Of(kSamples); }

// picture (its shape counts), flow, gradient of the result -> gradient of the picture
OPERATOR(SamplePictureGradient) {
  const Axes axes(call, {kPicture, kFlow, kSamples, kPicture});
  SampleGradient(OfPicture(axes), Floats(tensors[1]), nullptr, Floats(tensors[2]), Floats(tensors[3]));
}

RESULT_SHAPE(SamplePictureGradient) { return Axes(call, {kPicture, kFlow, kSamples}).Of(kPicture); }

// picture, flow, gradient of the result -> gradient of the flow
OPERATOR(SamplePictureFlowGradient) {
  const Axes axes(call, {kPicture, kFlow, kSamples, kFlow});
  SampleMotionGradient(OfPicture(axes), Floats(tensors[0]), Floats(tensors[1]), nullptr, Floats(tensors[2]),
                       Floats(tensors[3]), nullptr);
}

RESULT_SHAPE(SamplePictureFlowGradient) { return Axes(call, {kPicture, kFlow, kSamples}).Of(kFlow); }

// stack, flow, depth -> result
OPERATOR(SampleStack) {
  const Axes axes(call, {kStack, kFlow, kDepth, kSamples});
  Sample(OfStack(axes), Floats(tensors[0]), Floats(tensors[1]), Floats(tensors[2]), Floats(tensors[3]));
}

RESULT_SHAPE(SampleStack) { return Axes(call, {kStack, kFlow, kDepth}).Of(kSamples); }

// stack (its shape counts), flow, depth, gradient of the result -> gradient of the stack
OPERATOR(SampleStackGradient) {
  const Axes axes(call, {kStack, kFlow, kDepth, kSamples, kStack});
  SampleGradient(OfStack(axes), Floats(tensors[1]), Floats(tensors[2]), Floats(tensors[3]), Floats(tensors[4]));
}

RESULT_SHAPE(SampleStackGradient) { return Axes(call, {kStack, kFlow, kDepth, kSamples}).Of(kStack); }

// stack, flow, depth, gradient of the result -> gradients of flow and depth
OPERATOR(SampleStackMotionGradient) {
  const Axes axes(call, {kStack, kFlow, kDepth, kSamples, kFlow, kDepth});
  SampleMotionGradient(OfStack(axes), Floats(tensors[0]), Floats(tensors[1]), Floats(tensors[2]), Floats(tensors[3]),
                       Floats(tensors[4]), Floats(tensors[5]));
}

RESULT_SHAPES(SampleStackMotionGradient) {
  const Axes axes(call, {kStack, kFlow, kDepth, kSamples});
  return {axes.Of(kFlow), axes.Of(kDepth)};
}

// luma of the first frame, of the last one -> displacements towards the middle; see `MiddleSearch`
OPERATOR(SearchMiddle) {
  const Axes axes(call, {"N 1 H W", "N 1 H W", "N 2 H W"});
  const MiddleSearch search = MakeMiddleSearch(call.attributes);
  const int64_t pixels = axes['H'] * axes['W'];
  for (int64_t image = 0; image < axes['N']; ++image) {
    SearchMiddle(search, axes['H'], axes['W'], Floats(tensors[0]) + image * pixels, Floats(tensors[1]) + image * pixels,
                 Floats(tensors[2]) + 2 * image * pixels);
  }
}

RESULT_SHAPE(SearchMiddle) { return Axes(call, {"N 1 H W", "N 1 H W"}).Of("N 2 H W"); }

// luma, luma of the reference, price of a bit -> vectors; see `BlockSearch`
OPERATOR(SearchBlocks) {
  const Axes axes(call, {kBlocks, kBlocks, "N", kVectors});
  SearchBlocks(axes['N'], kBlock * axes['h'], kBlock * axes['w'], Floats(tensors[0]), Floats(tensors[1]),
               Floats(tensors[2]), Floats(tensors[3]));
}

RESULT_SHAPE(SearchBlocks) { return Axes(call, {kBlocks, kBlocks, "N"}).Of(kVectors); }

// picture, vectors -> result; see `Displacing`
OPERATOR(DisplaceBlocks) {
  const Axes axes = Displaced(call, {kPicture, kVectors, kPicture});
  Displace(MakeDisplacing(axes), Floats(tensors[0]), Floats(tensors[1]), Floats(tensors[2]));
}

RESULT_SHAPE(DisplaceBlocks) { return Displaced(call, {kPicture, kVectors}).Of(kPicture); }

// vectors, gradient of the result -> gradient of the picture
OPERATOR(DisplaceBlocksGradient) {
  const Axes axes = Displaced(call, {kVectors, kPicture, kPicture});
  DisplaceGradient(MakeDisplacing(axes), Floats(tensors[0]), Floats(tensors[1]), Floats(tensors[2]));
}

RESULT_SHAPE(DisplaceBlocksGradient) { return Displaced(call, {kVectors, kPicture}).Of(kPicture); }

// x -> result
OPERATOR(Resize) {
  const Factors factors(call.attributes);
  const Axes axes = Resized(call, factors, {factors.Input(), factors.Output()});
  Resize(factors.Of(axes), Floats(tensors[0]), Floats(tensors[1]));
}

RESULT_SHAPE(Resize) {
  const Factors factors(call.attributes);
  return Resized(call, factors, {factors.Input()}).Of(factors.Output());
}

// x (its shape counts), gradient of the result -> gradient of x
OPERATOR(ResizeGradient) {
  const Factors factors(call.attributes);
  const Axes axes = Resized(call, factors, {factors.Input(), factors.Output(), factors.Input()});
  ResizeGradient(factors.Of(axes), Floats(tensors[1]), Floats(tensors[2]));
}

RESULT_SHAPE(ResizeGradient) {
  const Factors factors(call.attributes);
  return Resized(call, factors, {factors.Input(), factors.Output()}).Of(factors.Input());
}

// x, gamma, beta -> y; see `Normalising`
OPERATOR(Normalise) {
  const Axes axes = Normalised(call, {kLast, "C", "C", kLast});
  Normalise(MakeNormalising(axes, call.attributes), Floats(tensors[0]), Floats(tensors[1]), Floats(tensors[2]),
            Floats(tensors[3]));
}

RESULT_SHAPE(Normalise) { return Normalised(call, {kLast, "C", "C"}).Of(kLast); }

// x, gamma, gradient of y -> gradient of x
OPERATOR(NormaliseGradient) {
  const Axes axes = Normalised(call, {kLast, "C", kLast, kLast});
  NormaliseGradient(MakeNormalising(axes, call.attributes), Floats(tensors[0]), Floats(tensors[1]), Floats(tensors[2]),
                    Floats(tensors[3]));
}

RESULT_SHAPE(NormaliseGradient) { return Normalised(call, {kLast, "C", kLast}).Of(kLast); }

// x, gamma (its shape counts), gradient of y -> gradients of gamma and beta
OPERATOR(NormaliseScaleGradients) {
  const Axes axes = Normalised(call, {kLast, "C", kLast, "C", "C"});
  NormaliseScaleGradients(MakeNormalising(axes, call.attributes), Floats(tensors[0]), Floats(tensors[2]),
                          Floats(tensors[3]), Floats(tensors[4]));
}

RESULT_SHAPES(NormaliseScaleGradients) {
  const Shape shape = Normalised(call, {kLast, "C", kLast}).Of("C");
  return {shape, shape};
}

// x, offsets, mask -> columns; see `Deforming`
OPERATOR(DeformedColumns) {
  const Axes axes = Deformed(call, {kColumns});
  DeformedColumns(MakeDeforming(axes), Floats(tensors[0]), Floats(tensors[1]), Floats(tensors[2]),
                  Floats(tensors[3]));
}

RESULT_SHAPE(DeformedColumns) { return Deformed(call).Of(kColumns); }

// x (its shape counts), offsets, mask, gradient of the columns -> gradient of x
OPERATOR(DeformedColumnsGradient) {
  const Axes axes = Deformed(call, {kColumns, kLast});
  DeformedGradient(MakeDeforming(axes), Floats(tensors[1]), Floats(tensors[2]), Floats(tensors[3]),
                   Floats(tensors[4]));
}

RESULT_SHAPE(DeformedColumnsGradient) { return Deformed(call, {kColumns}).Of(kLast); }

// x, offsets, mask, gradient of the columns -> gradients of offsets and mask
OPERATOR(DeformedColumnsMotionGradient) {
  const Axes axes = Deformed(call, {kColumns, kOffsets, kMask});
  DeformedMotionGradient(MakeDeforming(axes), Floats(tensors[0]), Floats(tensors[1]), Floats(tensors[2]),
                         Floats(tensors[3]), Floats(tensors[4]), Floats(tensors[5]));
}

RESULT_SHAPES(DeformedColumnsMotionGradient) {
  const Axes axes = Deformed(call, {kColumns});
  return {axes.Of(kOffsets), axes.Of(kMask)};
}

// x, parameters -> y; see `core.nn.separable`
OPERATOR(SeparableBlock) {
  SeparableForward(MakeSeparable(call, 1), Floats(tensors[0]), ParametersAt(tensors + 1),
                   Floats(tensors[1 + kSeparable.size()]));
}

RESULT_SHAPE(SeparableBlock) {
  MakeSeparable(call, 0);
  return call.Given(0);
}

// x, parameters, gradient of y -> gradients of x and of the parameters
OPERATOR(SeparableBlockGradient) {
  const size_t count = 1 + kSeparable.size();
  void** results = tensors + count + 1;
  SeparableGradient(MakeSeparable(call, 1), Floats(tensors[0]), ParametersAt(tensors + 1), Floats(tensors[count]),
                    Floats(results[0]), ParametersAt(results + 1));
}

RESULT_SHAPES(SeparableBlockGradient) {
  MakeSeparable(call, 1);
  std::vector<Shape> shapes;
  for (size_t i = 0; i <= kSeparable.size(); ++i) shapes.push_back(call.Given(i));
  return shapes;
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
