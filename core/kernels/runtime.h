// Threads, memory and plans of this process, and loops over plain data that run on the same threads.

#ifndef MINDVIDEO_RUNTIME_H_
#define MINDVIDEO_RUNTIME_H_

#include <map>
#include <mutex>

#include "plan.h"

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

// One kernel runs at a time, on all threads.
class Runtime {
 public:
  static Runtime& Get() {
    static Runtime* runtime = new Runtime;  // never destroyed: kernels may run until the process ends
    return *runtime;
  }

  // Where this fails, all stays as it was.
  void SetThreads(int threads) {
    std::lock_guard<std::mutex> lock(mutex_);
    auto pool = std::make_unique<Pool>(threads);
    Stream stream;
    Check(onednn::dnnl_threadpool_interop_stream_create(stream.out(), Engine(), pool.get()), "creating a stream");
    plans_.clear();
    workshop_.weights.Clear();
    std::swap(pool_, pool);
    std::swap(stream_, stream);
    workshop_.pool = pool_.get();
    workshop_.stream = stream_.get();
  }

  // See `Plan::Run`.
  void Convolve(const Problem& problem, const std::vector<void*>& tensors, bool keep_weights) {
    std::lock_guard<std::mutex> lock(mutex_);
    RequireStart();
    PlanOf(problem).Run(tensors, keep_weights, &workshop_);
  }

  // Calls body(begin, end) for the parts of 0..count, whose bounds do not depend on the number of threads.
  template <typename Body>
  void ForRanges(int64_t count, const Body& body) {
    std::lock_guard<std::mutex> lock(mutex_);
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

  const Plan& PlanOf(const Problem& problem) {
    auto found = plans_.find(problem);
    if (found != plans_.end()) return *found->second;
    if (plans_.size() >= kMaxPlans) plans_.clear();
    const Concurrency concurrency(pool_->get_num_threads());
    return *plans_.emplace(problem, std::make_unique<Plan>(problem)).first->second;
  }

  std::mutex mutex_;
  Workshop workshop_;
  std::unique_ptr<Pool> pool_;
  Stream stream_;
  std::map<Problem, std::unique_ptr<Plan>> plans_;
};

#endif  // MINDVIDEO_RUNTIME_H_
