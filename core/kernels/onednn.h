// The part of oneDNN's C interface that the convolutions use, for version 3 with the threadpool runtime.
//
// MindSpore ships the library without its headers, so names and values are declared here. Handles are opaque.

#ifndef MINDVIDEO_ONEDNN_H_
#define MINDVIDEO_ONEDNN_H_

#include <cstddef>
#include <cstdint>
#include <functional>

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
constexpr int kFloat32 = 3;
constexpr int kAnyLayout = 1;
constexpr int kForwardInference = 96;
constexpr int kDirect = 1;  // the algorithm; Winograd's, which rounds more coarsely, is not wanted
constexpr int kScratchpadByUser = 1;
constexpr int kAvx512 = 0x20;  // a bit of every instruction set that includes it

// Names of a primitive's arguments.
constexpr int kSource = 1, kDestination = 17, kWeights = 33, kBias = 41, kScratchpad = 80;
constexpr int kSourceGradient = 129, kDestinationGradient = 145, kWeightsGradient = 161;

// Layouts that a primitive's descriptor can be asked for.
constexpr int kSourceLayout = 129, kSourceGradientLayout = 130, kWeightsLayout = 131, kWeightsGradientLayout = 132;
constexpr int kDestinationLayout = 133, kDestinationGradientLayout = 134, kScratchpadLayout = 136;

}  // namespace onednn

extern "C" {
int dnnl_threadpool_interop_set_max_concurrency(int threads);  // of this thread, for primitives it creates
int dnnl_threadpool_interop_get_max_concurrency(int* threads);
int dnnl_get_effective_cpu_isa();
int dnnl_engine_create(onednn::Handle* engine, int kind, size_t index);
int dnnl_threadpool_interop_stream_create(onednn::Handle* stream, onednn::Handle engine, void* pool);
int dnnl_stream_destroy(onednn::Handle stream);
int dnnl_stream_wait(onednn::Handle stream);

int dnnl_memory_desc_create_with_tag(onednn::Handle* layout, int rank, const int64_t* dims, int type, int tag);
int dnnl_memory_desc_create_with_strides(onednn::Handle* layout, int rank, const int64_t* dims, int type,
                                         const int64_t* strides);
int dnnl_memory_desc_destroy(onednn::Handle layout);
int dnnl_memory_desc_equal(onednn::Handle left, onednn::Handle right);
size_t dnnl_memory_desc_get_size(onednn::Handle layout);
int dnnl_memory_create(onednn::Handle* memory, onednn::Handle layout, onednn::Handle engine, void* data);
int dnnl_memory_set_data_handle(onednn::Handle memory, void* data);
int dnnl_memory_destroy(onednn::Handle memory);

int dnnl_primitive_attr_create(onednn::Handle* attributes);
int dnnl_primitive_attr_set_scratchpad_mode(onednn::Handle attributes, int mode);
int dnnl_primitive_attr_destroy(onednn::Handle attributes);
onednn::Handle dnnl_primitive_desc_query_md(onednn::Handle descriptor, int what, int index);
int dnnl_primitive_desc_destroy(onednn::Handle descriptor);
int dnnl_primitive_create(onednn::Handle* primitive, onednn::Handle descriptor);
int dnnl_primitive_execute(onednn::Handle primitive, onednn::Handle stream, int count,
                           const onednn::Argument* arguments);
int dnnl_primitive_destroy(onednn::Handle primitive);

int dnnl_reorder_primitive_desc_create(onednn::Handle* descriptor, onednn::Handle from, onednn::Handle from_engine,
                                       onednn::Handle to, onednn::Handle to_engine, onednn::Handle attributes);
int dnnl_convolution_forward_primitive_desc_create(onednn::Handle* descriptor, onednn::Handle engine, int purpose,
                                                   int algorithm, onednn::Handle source, onednn::Handle weights,
                                                   onednn::Handle bias, onednn::Handle destination,
                                                   const int64_t* strides, const int64_t* dilations,
                                                   const int64_t* before, const int64_t* after,
                                                   onednn::Handle attributes);
int dnnl_convolution_backward_data_primitive_desc_create(onednn::Handle* descriptor, onednn::Handle engine,
                                                         int algorithm, onednn::Handle source_gradient,
                                                         onednn::Handle weights, onednn::Handle destination_gradient,
                                                         const int64_t* strides, const int64_t* dilations,
                                                         const int64_t* before, const int64_t* after,
                                                         onednn::Handle hint, onednn::Handle attributes);
int dnnl_convolution_backward_weights_primitive_desc_create(onednn::Handle* descriptor, onednn::Handle engine,
                                                            int algorithm, onednn::Handle source,
                                                            onednn::Handle weights_gradient,
                                                            onednn::Handle bias_gradient,
                                                            onednn::Handle destination_gradient,
                                                            const int64_t* strides, const int64_t* dilations,
                                                            const int64_t* before, const int64_t* after,
                                                            onednn::Handle hint, onednn::Handle attributes);
}

#endif  // MINDVIDEO_ONEDNN_H_
