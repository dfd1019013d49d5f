// The part of oneDNN's C interface that the convolutions use, for version 3 with the threadpool runtime.
//
// MindSpore ships the library without its headers, so names and values are declared here. Handles are opaque.

#ifndef MINDVIDEO_ONEDNN_H_
#define MINDVIDEO_ONEDNN_H_

#include <dlfcn.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <stdexcept>

namespace dnnl::threadpool_interop {

// What the library asks of a pool of threads. It calls the methods by their place in the table of virtual methods and
// never destroys the pool, so `wait`, which newer versions have before the destructor, does no harm to older ones.
struct threadpool_iface {
  virtual int get_num_threads() const = 0;
  virtual bool get_in_parallel() const = 0;
  virtual void parallel_for(int count, const std::function<void(int, int)>& body) = 0;
  virtual uint64_t get_flags() const = 0;
  virtual void wait() = 0;
  virtual ~threadpool_iface() = default;
};

}  // namespace dnnl::threadpool_interop

namespace onednn {

using Handle = void*;
using Dims = int64_t[12];

struct Argument {
  int name;
  Handle memory;
};

constexpr int kCpu = 1;
constexpr int kBfloat16 = 2, kFloat32 = 3;
constexpr int kAnyLayout = 1;
constexpr int kForwardInference = 96;
constexpr int kDirect = 1, kDirectTransposed = 0xa;  // Winograd's, which rounds more coarsely, is not wanted
constexpr int kRectified = 0x20, kGated = 0x2c, kSum = 0x1fff0;  // what may follow in one pass: leaky ReLU,
                                                                 // x * sigmoid(alpha * x), adding a tensor
constexpr int kScratchpadByUser = 1;
constexpr int kAvx512 = 0x20;  // a bit of every instruction set that includes it

// Names of a primitive's arguments.
constexpr int kSource = 1, kDestination = 17, kWeights = 33, kBias = 41, kScratchpad = 80;
constexpr int kSourceGradient = 129, kDestinationGradient = 145, kWeightsGradient = 161;
constexpr int kAddend = 2;  // the second source of an operation that follows
constexpr int Following(int number) { return 32768 * (number + 1); }  // of the operations that follow, from 0

// Layouts that a primitive's descriptor can be asked for.
constexpr int kSourceLayout = 129, kSourceGradientLayout = 130, kWeightsLayout = 131, kWeightsGradientLayout = 132;
constexpr int kDestinationLayout = 133, kDestinationGradientLayout = 134, kScratchpadLayout = 136;

// The functions: result, name, parameters.
#define ONEDNN_FUNCTIONS(F)                                                                                          \
  F(int, dnnl_set_max_cpu_isa, (int instructions))                                                                   \
  F(int, dnnl_get_effective_cpu_isa, ())                                                                             \
  F(int, dnnl_threadpool_interop_set_max_concurrency, (int threads)) /* of this thread, for primitives it creates */ \
  F(int, dnnl_threadpool_interop_get_max_concurrency, (int* threads))                                                \
  F(int, dnnl_engine_create, (Handle * engine, int kind, size_t index))                                              \
  F(int, dnnl_threadpool_interop_stream_create, (Handle * stream, Handle engine, void* pool))                        \
  F(int, dnnl_stream_destroy, (Handle stream))                                                                       \
  F(int, dnnl_stream_wait, (Handle stream))                                                                          \
  F(int, dnnl_memory_desc_create_with_tag, (Handle * layout, int rank, const int64_t* dims, int type, int tag))      \
  F(int, dnnl_memory_desc_create_with_strides,                                                                       \
    (Handle * layout, int rank, const int64_t* dims, int type, const int64_t* strides))                              \
  F(int, dnnl_memory_desc_clone, (Handle * layout, Handle existing))                                                 \
  F(int, dnnl_memory_desc_destroy, (Handle layout))                                                                  \
  F(int, dnnl_memory_desc_equal, (Handle left, Handle right))                                                        \
  F(size_t, dnnl_memory_desc_get_size, (Handle layout))                                                              \
  F(int, dnnl_memory_create, (Handle * memory, Handle layout, Handle engine, void* data))                            \
  F(int, dnnl_memory_set_data_handle, (Handle memory, void* data))                                                   \
  F(int, dnnl_memory_destroy, (Handle memory))                                                                       \
  F(int, dnnl_primitive_attr_create, (Handle * attributes))                                                          \
  F(int, dnnl_primitive_attr_set_scratchpad_mode, (Handle attributes, int mode))                                     \
  F(int, dnnl_primitive_attr_set_post_ops, (Handle attributes, Handle operations))                                   \
  F(int, dnnl_primitive_attr_destroy, (Handle attributes))                                                           \
  F(int, dnnl_post_ops_create, (Handle * operations))                                                                \
  F(int, dnnl_post_ops_append_eltwise, (Handle operations, int algorithm, float alpha, float beta))                  \
  F(int, dnnl_post_ops_append_binary, (Handle operations, int algorithm, Handle layout))                             \
  F(int, dnnl_post_ops_append_sum, (Handle operations, float scale, int32_t zero, int type))                         \
  F(int, dnnl_post_ops_destroy, (Handle operations))                                                                 \
  F(Handle, dnnl_primitive_desc_query_md, (Handle descriptor, int what, int index))                                  \
  F(int, dnnl_primitive_desc_destroy, (Handle descriptor))                                                           \
  F(int, dnnl_primitive_create, (Handle * primitive, Handle descriptor))                                             \
  F(int, dnnl_primitive_execute, (Handle primitive, Handle stream, int count, const Argument* arguments))            \
  F(int, dnnl_primitive_destroy, (Handle primitive))                                                                 \
  F(int, dnnl_reorder_primitive_desc_create,                                                                         \
    (Handle * descriptor, Handle from, Handle from_engine, Handle to, Handle to_engine, Handle attributes))          \
  F(int, dnnl_convolution_forward_primitive_desc_create,                                                             \
    (Handle * descriptor, Handle engine, int purpose, int algorithm, Handle source, Handle weights, Handle bias,     \
     Handle destination, const int64_t* strides, const int64_t* dilations, const int64_t* before,                    \
     const int64_t* after, Handle attributes))                                                                       \
  F(int, dnnl_deconvolution_forward_primitive_desc_create,                                                           \
    (Handle * descriptor, Handle engine, int purpose, int algorithm, Handle source, Handle weights, Handle bias,     \
     Handle destination, const int64_t* strides, const int64_t* dilations, const int64_t* before,                    \
     const int64_t* after, Handle attributes))                                                                       \
  F(int, dnnl_convolution_backward_data_primitive_desc_create,                                                       \
    (Handle * descriptor, Handle engine, int algorithm, Handle source_gradient, Handle weights,                      \
     Handle destination_gradient, const int64_t* strides, const int64_t* dilations, const int64_t* before,           \
     const int64_t* after, Handle hint, Handle attributes))                                                          \
  F(int, dnnl_convolution_backward_weights_primitive_desc_create,                                                    \
    (Handle * descriptor, Handle engine, int algorithm, Handle source, Handle weights_gradient,                      \
     Handle bias_gradient, Handle destination_gradient, const int64_t* strides, const int64_t* dilations,            \
     const int64_t* before, const int64_t* after, Handle hint, Handle attributes))

#define DECLARE(result, name, parameters) inline result(*name) parameters = nullptr;
ONEDNN_FUNCTIONS(DECLARE)
#undef DECLARE

// Fill in the functions from the library at this path. RTLD_DEEPBIND: it shall call its own functions even where another
// copy of oneDNN is in the process.
inline void Load(const char* path) {
  void* library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
  if (library == nullptr) throw std::runtime_error(dlerror());
#define FIND(result, name, parameters)                                 \
  name = reinterpret_cast<result(*) parameters>(dlsym(library, #name)); \
  if (name == nullptr) throw std::runtime_error(dlerror());
  ONEDNN_FUNCTIONS(FIND)
#undef FIND
}

}  // namespace onednn

#endif  // MINDVIDEO_ONEDNN_H_
