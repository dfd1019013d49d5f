// Convolutions, transposed ones and their gradients as MindSpore "aot" operators that leave memory layouts to oneDNN.
//
// MindSpore's own kernels pin plain layouts, for which oneDNN has only slow code. Here each call copies its tensors
// into the layouts that oneDNN asks for, runs its fast kernel and copies the result back. Plans are kept by shape.
//
// All operators are the three of one ordinary convolution "source * weights -> destination": a transposed one is that
// convolution's gradient to its source. Tensors are float32 in plain NCHW, weights (out, in / groups, height, width).

#include <cstdio>
#include <map>
#include <mutex>

#include "mindspore.h"
#include "onednn.h"
#include "plan.h"
#include "threads.h"

namespace {

using Shape = std::vector<int64_t>;

// How many threads the primitives are for that this thread creates, until it goes out of scope.
class Concurrency {
 public:
  explicit Concurrency(int threads) {
    Check(dnnl_threadpool_interop_get_max_concurrency(&before_), "asking for threads");
    Check(dnnl_threadpool_interop_set_max_concurrency(threads), "setting threads");
  }
  ~Concurrency() { dnnl_threadpool_interop_set_max_concurrency(before_); }

 private:
  int before_ = 0;
};

// Threads, memory and plans of this process. One convolution runs at a time, on all threads.
class Runtime {
 public:
  static Runtime& Get() {
    static Runtime* runtime = new Runtime;  // never destroyed: kernels may run until the process ends
    return *runtime;
  }

  void SetThreads(int threads) {
    std::lock_guard<std::mutex> lock(mutex_);
    plans_.clear();
    stream_ = Stream();
    pool_ = std::make_unique<Pool>(threads);
    Check(dnnl_threadpool_interop_stream_create(stream_.out(), Engine(), pool_.get()), "creating a stream");
  }

  void Convolve(const Problem& problem, const std::vector<void*>& tensors) {
    std::lock_guard<std::mutex> lock(mutex_);
    PlanOf(problem).Run(tensors, &arena_, stream_.get());
  }

  // y += bias, in plain layout.
  void AddBias(float* y, const float* bias, const int64_t* shape) {
    const int64_t channels = shape[1], pixels = shape[2] * shape[3];
    ForEach(shape[0] * channels, [=](int64_t plane) {
      const float value = bias[plane % channels];
      for (float *p = y + plane * pixels, *end = p + pixels; p != end; ++p) *p += value;
    });
  }

  // Sums of each channel of y in double precision, in the same order whatever the number of threads.
  void SumChannels(const float* y, float* sums, const int64_t* shape) {
    const int64_t images = shape[0], channels = shape[1], pixels = shape[2] * shape[3];
    ForEach(channels, [=](int64_t channel) {
      double sum = 0;
      for (int64_t image = 0; image < images; ++image) sum += Sum(y + (image * channels + channel) * pixels, pixels);
      sums[channel] = static_cast<float>(sum);
    });
  }

 private:
  static constexpr size_t kMaxPlans = 2048;
  static constexpr int kLanes = 8;

  Runtime() { SetThreads(1); }

  const Plan& PlanOf(const Problem& problem) {
    auto found = plans_.find(problem);
    if (found != plans_.end()) return *found->second;
    if (plans_.size() >= kMaxPlans) plans_.clear();
    const Concurrency concurrency(pool_->get_num_threads());
    return *plans_.emplace(problem, std::make_unique<Plan>(problem)).first->second;
  }

  template <typename Body>
  void ForEach(int64_t count, const Body& body) {
    std::lock_guard<std::mutex> lock(mutex_);
    pool_->parallel_for(Pool::kParts, [&](int part, int parts) {
      for (int64_t i = count * part / parts; i < count * (part + 1) / parts; ++i) body(i);
    });
  }

  static double Sum(const float* values, int64_t count) {
    double lanes[kLanes] = {}, sum = 0;
    int64_t i = 0;
    for (; i + kLanes <= count; i += kLanes) {
      for (int lane = 0; lane < kLanes; ++lane) lanes[lane] += values[i + lane];
    }
    for (; i < count; ++i) sum += values[i];
    for (double lane : lanes) sum += lane;
    return sum;
  }

  std::mutex mutex_;
  Arena arena_;
  std::unique_ptr<Pool> pool_;
  Stream stream_;
  std::map<Problem, std::unique_ptr<Plan>> plans_;
};

// The settings of an operator, which its MindSpore primitive has as the attribute "geometry".
struct Geometry {
  int64_t stride[2], dilation[2], padding[2][2], groups;  // padding is before and after each of the axes

  explicit Geometry(void* attributes) {
    const Shape values = static_cast<OperatorAttributes*>(attributes)->Integers("geometry");
    if (values.size() * sizeof(int64_t) != sizeof(Geometry)) throw std::invalid_argument("geometry has other entries");
    std::memcpy(this, values.data(), sizeof(Geometry));
  }

  Problem MakeProblem(Kind kind, bool with_bias, const int64_t* source, const int64_t* weights,
                      const int64_t* destination) const {
    Problem problem = {kind, with_bias, {}, {}, {}, {}, {}, {padding[0][0], padding[1][0]}, groups};
    std::copy(source, source + 4, problem.source);
    std::copy(weights, weights + 4, problem.weights);
    std::copy(destination, destination + 4, problem.destination);
    std::copy(stride, stride + 2, problem.stride);
    std::copy(dilation, dilation + 2, problem.dilation);
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
  const int64_t *x = shapes[0], *weights = shapes[1], *bias = shapes[2];
  Shape result(4, kUnknown);
  if (x[0] == kUnknownRank || weights[0] == kUnknownRank || bias[0] == kUnknownRank) return result;
  const std::string which = "an input of shape " + Text(x, ranks[0]) + ", weights of shape " +
                            Text(weights, ranks[1]) + " and a bias of shape " + Text(bias, ranks[2]);
  if (ranks[0] != 4 || ranks[1] != 4 || ranks[2] != 1) throw std::invalid_argument("no convolution takes " + which);
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
  return result;
}

// Runs the body; a failure is said on stderr, and MindSpore raises an error of its own for the status.
template <typename Body>
int Guarded(const Body& body) {
  try {
    body();
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "A convolution kernel of mindvideo: %s.\n", error.what());
    return 1;
  }
}

float* Floats(void* tensor) { return static_cast<float*>(tensor); }

}  // namespace

// MindSpore finds an operator, and what infers the shapes of its results, by name.
#define EXPORTED extern "C" __attribute__((visibility("default")))
#define OPERATOR(name) \
  EXPORTED int name(int, void** tensors, int*, int64_t** shapes, const char**, void*, void* attributes)
#define RESULT_SHAPE(name) EXPORTED Shape name##InferShape(int* ranks, int64_t** shapes, void* attributes)
#define RESULT_SHAPES(name) EXPORTED std::vector<Shape> name##InferShape(int* ranks, int64_t** shapes, void*)

// x, weights, bias -> y
OPERATOR(Convolution) {
  return Guarded([&] {
    const Geometry geometry(attributes);
    Runtime::Get().Convolve(geometry.MakeProblem(Kind::kForward, true, shapes[0], shapes[1], shapes[3]),
                            {tensors[0], tensors[1], tensors[3], tensors[2]});
  });
}

OPERATOR(TransposedConvolution) {
  return Guarded([&] {
    const Geometry geometry(attributes);
    Runtime::Get().Convolve(geometry.MakeProblem(Kind::kSourceGradient, false, shapes[3], shapes[1], shapes[0]),
                            {tensors[3], tensors[1], tensors[0]});
    Runtime::Get().AddBias(Floats(tensors[3]), Floats(tensors[2]), shapes[3]);
  });
}

RESULT_SHAPE(Convolution) { return ResultShape(ranks, shapes, Geometry(attributes), false); }
RESULT_SHAPE(TransposedConvolution) { return ResultShape(ranks, shapes, Geometry(attributes), true); }

// gradient of y, weights, x (its shape counts) -> gradient of x
OPERATOR(ConvolutionInputGradient) {
  return Guarded([&] {
    const Geometry geometry(attributes);
    Runtime::Get().Convolve(geometry.MakeProblem(Kind::kSourceGradient, false, shapes[3], shapes[1], shapes[0]),
                            {tensors[3], tensors[1], tensors[0]});
  });
}

OPERATOR(TransposedConvolutionInputGradient) {
  return Guarded([&] {
    const Geometry geometry(attributes);
    Runtime::Get().Convolve(geometry.MakeProblem(Kind::kForward, false, shapes[0], shapes[1], shapes[3]),
                            {tensors[0], tensors[1], tensors[3]});
  });
}

RESULT_SHAPE(ConvolutionInputGradient) { return Shape(shapes[2], shapes[2] + ranks[2]); }
RESULT_SHAPE(TransposedConvolutionInputGradient) { return Shape(shapes[2], shapes[2] + ranks[2]); }

// x, gradient of y, weights (their shape counts) -> gradients of weights and bias
OPERATOR(ConvolutionWeightsGradient) {
  return Guarded([&] {
    const Geometry geometry(attributes);
    Runtime::Get().Convolve(geometry.MakeProblem(Kind::kWeightsGradient, false, shapes[0], shapes[3], shapes[1]),
                            {tensors[0], tensors[3], tensors[1]});
    Runtime::Get().SumChannels(Floats(tensors[1]), Floats(tensors[4]), shapes[1]);
  });
}

OPERATOR(TransposedConvolutionWeightsGradient) {
  return Guarded([&] {
    const Geometry geometry(attributes);
    Runtime::Get().Convolve(geometry.MakeProblem(Kind::kWeightsGradient, false, shapes[1], shapes[3], shapes[0]),
                            {tensors[1], tensors[3], tensors[0]});
    Runtime::Get().SumChannels(Floats(tensors[1]), Floats(tensors[4]), shapes[1]);
  });
}

static std::vector<Shape> WeightsGradientShapes(const int* ranks, int64_t** shapes) {
  const int64_t channels = shapes[1][0] == kUnknownRank ? kUnknown : shapes[1][1];
  return {Shape(shapes[2], shapes[2] + ranks[2]), {channels}};
}

RESULT_SHAPES(ConvolutionWeightsGradient) { return WeightsGradientShapes(ranks, shapes); }
RESULT_SHAPES(TransposedConvolutionWeightsGradient) { return WeightsGradientShapes(ranks, shapes); }

EXPORTED int SetThreads(int threads) {
  return Guarded([&] { Runtime::Get().SetThreads(threads); });
}
