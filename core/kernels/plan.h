// A convolution in the layouts that oneDNN asks for: its primitive, the copies around it and the memory they need.

#ifndef MINDVIDEO_PLAN_H_
#define MINDVIDEO_PLAN_H_

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "onednn.h"

using onednn::Handle;

inline void Check(int status, const char* what) {
  if (status != 0) throw std::runtime_error(std::string(what) + " failed with oneDNN status " + std::to_string(status));
}

// Owns what the library created.
template <int (*Destroy)(Handle)>
class Owned {
 public:
  Owned() = default;
  Owned(Owned&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Owned& operator=(Owned&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Owned() {
    if (handle_ != nullptr) Destroy(handle_);
  }
  Handle get() const { return handle_; }
  Handle* out() { return &handle_; }
  explicit operator bool() const { return handle_ != nullptr; }

 private:
  Handle handle_ = nullptr;
};

using Layout = Owned<dnnl_memory_desc_destroy>;
using Memory = Owned<dnnl_memory_destroy>;
using PrimitiveAttributes = Owned<dnnl_primitive_attr_destroy>;
using Descriptor = Owned<dnnl_primitive_desc_destroy>;
using Primitive = Owned<dnnl_primitive_destroy>;
using Stream = Owned<dnnl_stream_destroy>;

enum class Kind : int64_t { kForward, kSourceGradient, kWeightsGradient };

// One ordinary convolution; also the key under which its primitives are kept, so it has no padding bytes.
struct Problem {
  Kind kind;
  int64_t with_bias;
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

// Memory for copies in the library's layouts and for its own needs; one call uses it at a time.
class Arena {
 public:
  ~Arena() { std::free(data_); }

  char* Reserve(size_t size) {
    if (size > size_) {
      std::free(data_);
      size_ = Aligned(size);
      data_ = static_cast<char*>(std::aligned_alloc(kAlignment, size_));
      if (data_ == nullptr) {
        size_ = 0;
        throw std::bad_alloc();
      }
    }
    return data_;
  }

  static size_t Aligned(size_t size) { return (size + kAlignment - 1) / kAlignment * kAlignment; }

 private:
  static constexpr size_t kAlignment = 4096;
  char* data_ = nullptr;
  size_t size_ = 0;
};

inline Handle Engine() {
  static const Handle engine = [] {
    Handle created;
    Check(dnnl_engine_create(&created, onednn::kCpu, 0), "creating an engine");
    return created;
  }();
  return engine;
}

// One argument of a convolution: the caller's tensor and, where the library wants another layout, a copy.
class Port {
 public:
  Port(int name, bool is_result, const Layout& plain, Handle wanted, size_t* arena_size) : name_(name) {
    Check(dnnl_memory_create(tensor_.out(), plain.get(), Engine(), nullptr), "creating a memory");
    if (dnnl_memory_desc_equal(plain.get(), wanted)) return;
    Check(dnnl_memory_create(copy_.out(), wanted, Engine(), nullptr), "creating a memory");
    offset_ = *arena_size;
    *arena_size += Arena::Aligned(dnnl_memory_desc_get_size(wanted));
    const Handle from = is_result ? wanted : plain.get(), to = is_result ? plain.get() : wanted;
    Descriptor descriptor;
    Check(dnnl_reorder_primitive_desc_create(descriptor.out(), from, Engine(), to, Engine(), nullptr),
          "describing a reorder");
    Check(dnnl_primitive_create(reorder_.out(), descriptor.get()), "creating a reorder");
  }

  onednn::Argument argument() const { return {name_, copy_ ? copy_.get() : tensor_.get()}; }

  void Attach(void* tensor, char* arena) const {
    dnnl_memory_set_data_handle(tensor_.get(), tensor);
    if (copy_) dnnl_memory_set_data_handle(copy_.get(), arena + offset_);
  }

  void CopyIn(Handle stream) const { Reorder(tensor_, copy_, stream); }
  void CopyOut(Handle stream) const { Reorder(copy_, tensor_, stream); }

 private:
  void Reorder(const Memory& from, const Memory& to, Handle stream) const {
    if (!reorder_) return;
    const onednn::Argument arguments[] = {{onednn::kSource, from.get()}, {onednn::kDestination, to.get()}};
    Check(dnnl_primitive_execute(reorder_.get(), stream, 2, arguments), "a reorder");
  }

  int name_;
  size_t offset_ = 0;
  Memory tensor_, copy_;
  Primitive reorder_;
};

// What the library calls source, weights and destination of a convolution or gradient, and which of them it computes.
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
  if (kind == Kind::kForward) return kForwardRoles;
  return kind == Kind::kSourceGradient ? kSourceGradientRoles : kWeightsGradientRoles;
}

// A convolution ready to run: its primitive, the copies around it, and the memory they need.
class Plan {
 public:
  explicit Plan(const Problem& problem) {
    const Descriptor descriptor = Describe(problem);
    Check(dnnl_primitive_create(convolution_.out(), descriptor.get()), "creating a convolution");
    const Roles& roles = RolesOf(problem.kind);
    result_ = roles.result;
    for (size_t i = 0; i < 3; ++i) {
      const Handle wanted = dnnl_primitive_desc_query_md(descriptor.get(), roles.layouts[i], 0);
      ports_.emplace_back(roles.names[i], i == result_, PlainLayout(SizesOf(problem, i)), wanted, &arena_size_);
    }
    if (problem.with_bias) {
      const Layout bias = PlainLayout({problem.destination[1]});
      ports_.emplace_back(onednn::kBias, false, bias, bias.get(), &arena_size_);
    }
    const Handle scratchpad = dnnl_primitive_desc_query_md(descriptor.get(), onednn::kScratchpadLayout, 0);
    Check(dnnl_memory_create(scratchpad_.out(), scratchpad, Engine(), nullptr), "creating a memory");
    scratchpad_offset_ = arena_size_;
    arena_size_ += dnnl_memory_desc_get_size(scratchpad);
  }

  // Tensors are source, weights, destination and, going forward with one, bias.
  void Run(const std::vector<void*>& tensors, Arena* memory, Handle stream) const {
    char* arena = memory->Reserve(arena_size_);
    dnnl_memory_set_data_handle(scratchpad_.get(), arena + scratchpad_offset_);
    std::vector<onednn::Argument> arguments = {{onednn::kScratchpad, scratchpad_.get()}};
    for (size_t i = 0; i < ports_.size(); ++i) {
      ports_[i].Attach(tensors[i], arena);
      if (i != result_) ports_[i].CopyIn(stream);
      arguments.push_back(ports_[i].argument());
    }
    Check(dnnl_primitive_execute(convolution_.get(), stream, static_cast<int>(arguments.size()), arguments.data()),
          "a convolution");
    ports_[result_].CopyOut(stream);
    Check(dnnl_stream_wait(stream), "waiting");
  }

 private:
  using Sizes = std::vector<int64_t>;

  static Descriptor Describe(const Problem& p) {
    const auto layout = PlainIsFaster(p) ? PlainLayout : AnyLayout;
    const Layout source = layout(SizesOf(p, 0)), weights = layout(SizesOf(p, 1)), destination = layout(SizesOf(p, 2));
    const Layout bias = p.with_bias ? PlainLayout({p.destination[1]}) : Layout();
    const onednn::Dims stride = {p.stride[0], p.stride[1]}, before = {p.before[0], p.before[1]};
    const onednn::Dims dilation = {p.dilation[0] - 1, p.dilation[1] - 1}, after = {p.After(0), p.After(1)};
    PrimitiveAttributes attributes;
    Check(dnnl_primitive_attr_create(attributes.out()), "creating attributes");
    Check(dnnl_primitive_attr_set_scratchpad_mode(attributes.get(), onednn::kScratchpadByUser), "setting attributes");
    Descriptor made;
    switch (p.kind) {
      case Kind::kForward:
        Check(dnnl_convolution_forward_primitive_desc_create(
                  made.out(), Engine(), onednn::kForwardInference, onednn::kDirect, source.get(), weights.get(),
                  bias.get(), destination.get(), stride, dilation, before, after, attributes.get()),
              "describing a convolution");
        break;
      case Kind::kSourceGradient:
        Check(dnnl_convolution_backward_data_primitive_desc_create(
                  made.out(), Engine(), onednn::kDirect, source.get(), weights.get(), destination.get(), stride,
                  dilation, before, after, nullptr, attributes.get()),
              "describing a convolution's gradient to its input");
        break;
      case Kind::kWeightsGradient:
        Check(dnnl_convolution_backward_weights_primitive_desc_create(
                  made.out(), Engine(), onednn::kDirect, source.get(), weights.get(), nullptr, destination.get(),
                  stride, dilation, before, after, nullptr, attributes.get()),
              "describing a convolution's gradient to its weights");
        break;
    }
    return made;
  }

  // Left free, the gradient of three channels is computed like that of eight; on AVX-512, plain means reference code.
  static bool PlainIsFaster(const Problem& p) {
    return p.kind == Kind::kSourceGradient && p.source[1] <= 4 && p.groups == 1 &&
           !(dnnl_get_effective_cpu_isa() & onednn::kAvx512);
  }

  // Of source (0), weights (1) or destination (2); weights of several groups have these as an axis of their own.
  static Sizes SizesOf(const Problem& p, size_t which) {
    if (which != 1) return which == 0 ? Sizes(p.source, p.source + 4) : Sizes(p.destination, p.destination + 4);
    if (p.groups == 1) return Sizes(p.weights, p.weights + 4);
    return {p.groups, p.weights[0] / p.groups, p.weights[1], p.weights[2], p.weights[3]};
  }

  static Layout AnyLayout(const Sizes& sizes) {
    onednn::Dims dims = {};
    std::copy(sizes.begin(), sizes.end(), dims);
    Layout layout;
    Check(dnnl_memory_desc_create_with_tag(layout.out(), static_cast<int>(sizes.size()), dims, onednn::kFloat32,
                                           onednn::kAnyLayout),
          "describing a tensor");
    return layout;
  }

  static Layout PlainLayout(const Sizes& sizes) {
    onednn::Dims dims = {}, strides = {};
    std::copy(sizes.begin(), sizes.end(), dims);
    int64_t stride = 1;
    for (int i = static_cast<int>(sizes.size()) - 1; i >= 0; --i) {
      strides[i] = stride;
      stride *= sizes[i];
    }
    Layout layout;
    Check(dnnl_memory_desc_create_with_strides(layout.out(), static_cast<int>(sizes.size()), dims, onednn::kFloat32,
                                               strides),
          "describing a tensor");
    return layout;
  }

  Primitive convolution_;
  std::vector<Port> ports_;
  size_t result_ = 0;
  Memory scratchpad_;
  size_t scratchpad_offset_ = 0, arena_size_ = 0;
};

#endif  // MINDVIDEO_PLAN_H_
