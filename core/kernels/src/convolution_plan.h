// A convolution in the layouts that oneDNN asks for: its primitive, the copies around it and the memory they need.

#ifndef MINDVIDEO_CONVOLUTION_PLAN_H_
#define MINDVIDEO_CONVOLUTION_PLAN_H_

#include <utility>
#include <vector>

#include "problem.h"
#include "weights.h"

// What a convolution runs with: one at a time.
struct ConvolutionContext {
  Arena arena;
  PreparedWeights weights;
  Pool* pool;
  Handle stream;
};

// One argument of a convolution: the caller's tensor and, where the library wants another layout, a copy.
class TensorArgument {
 public:
  TensorArgument(int name, const Layout& own, Handle wanted, bool is_result, size_t* arena_size) : name_(name) {
    Check(onednn::dnnl_memory_create(tensor_.out(), own.get(), Engine(), nullptr), "creating a memory");
    if (onednn::dnnl_memory_desc_equal(own.get(), wanted)) return;
    Check(onednn::dnnl_memory_create(copy_.out(), wanted, Engine(), nullptr), "creating a memory");
    Check(onednn::dnnl_memory_desc_clone(wanted_.out(), wanted), "copying a layout");
    bytes_ = onednn::dnnl_memory_desc_get_size(own.get());
    offset_ = *arena_size;
    *arena_size += Arena::Aligned(onednn::dnnl_memory_desc_get_size(wanted));
    const Handle from = is_result ? wanted : own.get(), to = is_result ? own.get() : wanted;
    Descriptor descriptor;
    Check(onednn::dnnl_reorder_primitive_desc_create(descriptor.out(), from, Engine(), to, Engine(), nullptr),
          "describing a reorder");
    Check(onednn::dnnl_primitive_create(reorder_.out(), descriptor.get()), "creating a reorder");
  }

  onednn::Argument argument() const { return {name_, copy_ ? copy_.get() : tensor_.get()}; }

  void Attach(void* tensor, char* arena) const {
    onednn::dnnl_memory_set_data_handle(tensor_.get(), tensor);
    if (copy_) onednn::dnnl_memory_set_data_handle(copy_.get(), arena + offset_);
  }

  void CopyIn(Handle stream) const { Reorder(tensor_, copy_, stream); }
  void CopyOut(Handle stream) const { Reorder(copy_, tensor_, stream); }

  // `CopyIn` to memory that outlives the call, and only when the tensor is not there yet as it is now.
  void CopyInAndKeep(void* tensor, ConvolutionContext* context) const {
    if (!copy_) return;
    auto& kept = context->weights.Find(tensor, bytes_, wanted_.get(), context->pool);
    onednn::dnnl_memory_set_data_handle(copy_.get(), kept.data.Reserve(0));
    if (kept.filled) return;
    CopyIn(context->stream);
    kept.filled = true;
  }

 private:
  void Reorder(const Memory& from, const Memory& to, Handle stream) const {
    if (!reorder_) return;
    const onednn::Argument arguments[] = {{onednn::kSource, from.get()}, {onednn::kDestination, to.get()}};
    Check(onednn::dnnl_primitive_execute(reorder_.get(), stream, 2, arguments), "a reorder");
  }

  int name_;
  size_t offset_ = 0, bytes_ = 0;
  Layout wanted_;
  Memory tensor_, copy_;
  Primitive reorder_;
};

// What the library calls the pictures that go in, the weights and the pictures that come out.
struct Roles {
  int names[3], layouts[3];
  size_t result;
};

constexpr Roles kForwardRoles = {{onednn::kSource, onednn::kWeights, onednn::kDestination},
                                 {onednn::kSourceLayout, onednn::kWeightsLayout, onednn::kDestinationLayout},
                                 2};
constexpr Roles kSourceGradientRoles = {
    {onednn::kSourceGradient, onednn::kWeights, onednn::kDestinationGradient},
    {onednn::kSourceGradientLayout, onednn::kWeightsLayout, onednn::kDestinationGradientLayout},
    0};
constexpr Roles kWeightsGradientRoles = {
    {onednn::kSource, onednn::kWeightsGradient, onednn::kDestinationGradient},
    {onednn::kSourceLayout, onednn::kWeightsGradientLayout, onednn::kDestinationGradientLayout},
    1};

inline const Roles& RolesOf(Kind kind) {
  if (kind == Kind::kSourceGradient) return kSourceGradientRoles;
  return kind == Kind::kWeightsGradient ? kWeightsGradientRoles : kForwardRoles;
}

// A convolution ready to run: its primitive, the copies around it, and the memory they need.
class ConvolutionPlan {
 public:
  explicit ConvolutionPlan(const Problem& problem) {
    const Layouts layouts(problem);
    const Descriptor descriptor = Describe(problem, layouts);
    Check(onednn::dnnl_primitive_create(convolution_.out(), descriptor.get()), "creating a convolution");
    const Roles& roles = RolesOf(problem.kind);
    result_ = roles.result;
    const Layout* own[] = {&layouts.in, &layouts.weights, &layouts.out};
    for (size_t i = 0; i < 3; ++i) {
      const Handle wanted = onednn::dnnl_primitive_desc_query_md(descriptor.get(), roles.layouts[i], 0);
      tensor_arguments_.emplace_back(roles.names[i], *own[i], wanted, i == result_, &arena_size_);
    }
    if (problem.with_bias) AddArgument(onednn::kBias, layouts.bias);
    for (int i = 0; i < problem.addends; ++i) AddArgument(onednn::Following(i) | onednn::kAddend, layouts.addend);
    const Handle scratchpad = onednn::dnnl_primitive_desc_query_md(descriptor.get(), onednn::kScratchpadLayout, 0);
    Check(onednn::dnnl_memory_create(scratchpad_.out(), scratchpad, Engine(), nullptr), "creating a memory");
    scratchpad_offset_ = arena_size_;
    arena_size_ += onednn::dnnl_memory_desc_get_size(scratchpad);
  }

  // Tensors are pictures in, weights, pictures out, then bias and addends where there are any. `keep_weights`: they are
  // likely to be the same next time.
  void Run(const std::vector<void*>& tensors, bool keep_weights, ConvolutionContext* context) const {
    char* arena = context->arena.Reserve(arena_size_);
    onednn::dnnl_memory_set_data_handle(scratchpad_.get(), arena + scratchpad_offset_);
    std::vector<onednn::Argument> arguments = {{onednn::kScratchpad, scratchpad_.get()}};
    for (size_t i = 0; i < tensor_arguments_.size(); ++i) {
      tensor_arguments_[i].Attach(tensors[i], arena);
      if (i == kWeights && keep_weights && i != result_) {
        tensor_arguments_[i].CopyInAndKeep(tensors[i], context);
      } else if (i != result_) {
        tensor_arguments_[i].CopyIn(context->stream);
      }
      arguments.push_back(tensor_arguments_[i].argument());
    }
    Check(onednn::dnnl_primitive_execute(convolution_.get(), context->stream, static_cast<int>(arguments.size()),
                                         arguments.data()),
          "a convolution");
    tensor_arguments_[result_].CopyOut(context->stream);
    Check(onednn::dnnl_stream_wait(context->stream), "waiting");
  }

 private:
  static constexpr size_t kWeights = 1;

  // How the tensors lie in the caller's memory. Going in are the source of a convolution, the destination's sizes of a
  // transposed one; gradients have the layouts of what they are gradients of.
  struct Layouts {
    Layout in, weights, out, bias, addend;

    explicit Layouts(const Problem& p) : weights(WeightsLayout(p)) {
      const bool transposed = p.kind == Kind::kTransposed;
      in = PicturesLayout(transposed ? p.destination : p.source, p.channels_last, p.low_in);
      out = PicturesLayout(transposed ? p.source : p.destination, p.channels_last, p.low_out);
      addend = PicturesLayout(transposed ? p.source : p.destination, p.channels_last, p.low_addends);
      if (p.with_bias) bias = OrderedLayout({transposed ? p.source[1] : p.destination[1]}, {0});
    }
  };

  void AddArgument(int name, const Layout& layout) {
    tensor_arguments_.emplace_back(name, layout, layout.get(), false, &arena_size_);
  }

  static Descriptor Describe(const Problem& p, const Layouts& own) {
    const bool free = !PlainIsFaster(p), transposed = p.kind == Kind::kTransposed;
    // With channels last the gradient of the weights takes 1.6 times as long as in the library's own layout.
    const bool keep = p.channels_last && p.kind != Kind::kWeightsGradient;
    const auto pictures = [&](const int64_t* sizes, bool low) {
      return free && !keep ? AnyLayout(Sizes(sizes, sizes + 4), TypeOf(low))
                           : PicturesLayout(sizes, p.channels_last, low);
    };
    // What goes in is converted by a copy, what comes out by the convolution.
    const int64_t made = p.kind == Kind::kSourceGradient ? p.low_in : p.low_out;
    const Layout source = pictures(p.source, transposed || p.kind == Kind::kSourceGradient ? made : p.low);
    const Layout destination = pictures(p.destination, p.kind == Kind::kForward ? made : p.low);
    const int weights_type = TypeOf(p.low && p.kind != Kind::kWeightsGradient);
    const Layout weights = free ? AnyLayout(WeightsSizes(p), weights_type) : WeightsLayout(p);
    const onednn::Dims stride = {p.stride[0], p.stride[1]}, before = {p.before[0], p.before[1]};
    const onednn::Dims dilation = {p.dilation[0] - 1, p.dilation[1] - 1}, after = {p.After(0), p.After(1)};
    const PrimitiveAttributes attributes = MakeAttributes(p, own);
    Descriptor descriptor;
    switch (p.kind) {
      case Kind::kForward:
      case Kind::kTransposed: {
        const auto create = transposed ? onednn::dnnl_deconvolution_forward_primitive_desc_create
                                       : onednn::dnnl_convolution_forward_primitive_desc_create;
        Check(create(descriptor.out(), Engine(), onednn::kForwardInference,
                     transposed ? onednn::kDirectTransposed : onednn::kDirect,
                     (transposed ? destination : source).get(), weights.get(), own.bias.get(),
                     (transposed ? source : destination).get(), stride, dilation, before, after, attributes.get()),
              "describing a convolution");
        break;
      }
      case Kind::kSourceGradient:
        Check(onednn::dnnl_convolution_backward_data_primitive_desc_create(
                  descriptor.out(), Engine(), onednn::kDirect, source.get(), weights.get(), destination.get(), stride,
                  dilation, before, after, nullptr, attributes.get()),
              "describing a convolution's gradient to its input");
        break;
      case Kind::kWeightsGradient:
        Check(onednn::dnnl_convolution_backward_weights_primitive_desc_create(
                  descriptor.out(), Engine(), onednn::kDirect, source.get(), weights.get(), nullptr, destination.get(),
                  stride, dilation, before, after, nullptr, attributes.get()),
              "describing a convolution's gradient to its weights");
        break;
    }
    return descriptor;
  }

  static PrimitiveAttributes MakeAttributes(const Problem& p, const Layouts& own) {
    PrimitiveAttributes attributes;
    Check(onednn::dnnl_primitive_attr_create(attributes.out()), "creating attributes");
    Check(onednn::dnnl_primitive_attr_set_scratchpad_mode(attributes.get(), onednn::kScratchpadByUser),
          "setting attributes");
    PostOperations after;
    Check(onednn::dnnl_post_ops_create(after.out()), "creating operations");
    for (int i = 0; i < p.addends; ++i) {
      Check(onednn::dnnl_post_ops_append_binary(after.get(), onednn::kSum, own.addend.get()), "appending a sum");
    }
    if (p.activation != Activation::kNone) {
      const int which = p.activation == Activation::kGate ? onednn::kGated : onednn::kRectified;
      const float slope = static_cast<float>(p.slope);
      Check(onednn::dnnl_post_ops_append_eltwise(after.get(), which, slope, 0), "appending an activation");
    }
    if (p.accumulates) Check(onednn::dnnl_post_ops_append_sum(after.get(), 1, 0, 0), "appending a sum");
    Check(onednn::dnnl_primitive_attr_set_post_ops(attributes.get(), after.get()), "setting operations");
    return attributes;
  }

  // Left free, the gradient of three channels is computed like that of eight; on AVX-512, plain means reference code.
  static bool PlainIsFaster(const Problem& p) {
    return p.kind == Kind::kSourceGradient && p.source[1] <= 4 && p.groups == 1 && !p.channels_last &&
           !(onednn::dnnl_get_effective_cpu_isa() & onednn::kAvx512);
  }

  Primitive convolution_;
  std::vector<TensorArgument> tensor_arguments_;
  size_t result_ = 0;
  Memory scratchpad_;
  size_t scratchpad_offset_ = 0, arena_size_ = 0;
};

#endif  // MINDVIDEO_CONVOLUTION_PLAN_H_
