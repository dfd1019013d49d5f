// Threads, memory and plans of this process, and loops over plain data that run on the same threads.

#ifndef MINDVIDEO_RUNTIME_H_
#define MINDVIDEO_RUNTIME_H_

#include <array>
#include <map>
#include <mutex>

#include "convolution_plan.h"

// How many threads the primitives are for that this thread creates, until it goes out of scope.
class Concurrency {
 public:
  explicit Concurrency(int threads) {
    Check(onednn::dnnl_threadpool_interop_get_max_concurrency(&before_), "asking for threads");
    Check(onednn::dnnl_threadpool_interop_set_max_concurrency(threads), "setting threads");
  }
  ~Concurrency() { onednn::dnnl_threadpool_interop_set_max_concurrency(before_); }

 private:
  int before_ = 0;
};

// How pictures lie in memory.
struct Form {
  bool channels_last, low;
};

// A copy of pictures from one form to another.
class Copying {
 public:
  Copying(const int64_t* sizes, const Form& from, const Form& to) {
    const Layout source = PicturesLayout(sizes, from.channels_last, from.low);
    const Layout destination = PicturesLayout(sizes, to.channels_last, to.low);
    Check(onednn::dnnl_memory_create(from_.out(), source.get(), Engine(), nullptr), "creating a memory");
    Check(onednn::dnnl_memory_create(to_.out(), destination.get(), Engine(), nullptr), "creating a memory");
    Descriptor descriptor;
    Check(onednn::dnnl_reorder_primitive_desc_create(descriptor.out(), source.get(), Engine(), destination.get(),
                                                     Engine(), nullptr),
          "describing a reorder");
    Check(onednn::dnnl_primitive_create(reorder_.out(), descriptor.get()), "creating a reorder");
  }

  void Run(void* from, void* to, Handle stream) const {
    onednn::dnnl_memory_set_data_handle(from_.get(), from);
    onednn::dnnl_memory_set_data_handle(to_.get(), to);
    const onednn::Argument arguments[] = {{onednn::kSource, from_.get()}, {onednn::kDestination, to_.get()}};
    Check(onednn::dnnl_primitive_execute(reorder_.get(), stream, 2, arguments), "a reorder");
    Check(onednn::dnnl_stream_wait(stream), "waiting");
  }

 private:
  Memory from_, to_;
  Primitive reorder_;
};

// One kernel runs at a time, on all threads.
class Runtime {
 public:
  static Runtime& Get() {
    static Runtime* runtime = new Runtime;  // never destroyed: kernels may run until the process ends
    return *runtime;
  }

  // Where this fails, all stays as it was.
  void SetThreads(int threads) {
    const Lock lock(mutex_);
    auto pool = std::make_unique<Pool>(threads);
    Stream stream;
    Check(onednn::dnnl_threadpool_interop_stream_create(stream.out(), Engine(), pool.get()), "creating a stream");
    plans_.clear();
    copies_.clear();
    context_.weights.Clear();
    std::swap(pool_, pool);
    std::swap(stream_, stream);
    context_.pool = pool_.get();
    context_.stream = stream_.get();
  }

  // See `ConvolutionPlan::Run`.
  void Convolve(const Problem& problem, const std::vector<void*>& tensors, bool keep_weights) {
    const Lock lock(mutex_);
    RequireStart();
    if (!is_together_) context_.weights.BeginCall();
    PlanOf(problem).Run(tensors, keep_weights, &context_);
  }

  // Copies pictures of these sizes, N, C, H, W, from one layout and type to another.
  void Copy(const int64_t* sizes, const Form& from_form, void* from, const Form& to_form, void* to) {
    const Lock lock(mutex_);
    RequireStart();
    const Copying& copying = CopyingOf(sizes, from_form, to_form);
    copying.Run(from, to, context_.stream);
  }

  // Calls body(memory of so many bytes), whose other calls here nobody else comes between; weights do not change meanwhile.
  template <typename Body>
  void Together(size_t bytes, const Body& body) {
    const Lock lock(mutex_);
    context_.weights.BeginCall();
    is_together_ = true;
    try {
      body(scratch_.Reserve(bytes));
    } catch (...) {
      is_together_ = false;
      throw;
    }
    is_together_ = false;
  }

  // Calls body(begin, end) for the parts of 0..count, whose bounds do not depend on the number of threads.
  template <typename Body>
  void ForRanges(int64_t count, const Body& body) {
    const Lock lock(mutex_);
    RequireStart();
    pool_->parallel_for(Pool::kParts, [&](int part, int parts) {
      const int64_t begin = count * part / parts, end = count * (part + 1) / parts;
      if (begin < end) body(begin, end);
    });
  }

 private:
  static constexpr size_t kMaxPlans = 2048;

  Runtime() = default;

  void RequireStart() const {
    if (!pool_) throw std::logic_error("the library was not started");
  }

  const ConvolutionPlan& PlanOf(const Problem& problem) {
    auto found = plans_.find(problem);
    if (found != plans_.end()) return *found->second;
    if (plans_.size() >= kMaxPlans) plans_.clear();
    const Concurrency concurrency(pool_->get_num_threads());
    return *plans_.emplace(problem, std::make_unique<ConvolutionPlan>(problem)).first->second;
  }

  const Copying& CopyingOf(const int64_t* sizes, const Form& from, const Form& to) {
    const std::array<int64_t, 8> key = {sizes[0],           sizes[1], sizes[2],         sizes[3],
                                        from.channels_last, from.low, to.channels_last, to.low};
    auto found = copies_.find(key);
    if (found != copies_.end()) return *found->second;
    if (copies_.size() >= kMaxPlans) copies_.clear();
    const Concurrency concurrency(pool_->get_num_threads());
    return *copies_.emplace(key, std::make_unique<Copying>(sizes, from, to)).first->second;
  }

  using Lock = std::lock_guard<std::recursive_mutex>;
  std::recursive_mutex mutex_;
  bool is_together_ = false;
  ConvolutionContext context_;
  Arena scratch_;
  std::unique_ptr<Pool> pool_;
  Stream stream_;
  std::map<Problem, std::unique_ptr<ConvolutionPlan>> plans_;
  std::map<std::array<int64_t, 8>, std::unique_ptr<Copying>> copies_;
};

#endif  // MINDVIDEO_RUNTIME_H_
