// A pool of threads that oneDNN runs its kernels on: the caller works along, helpers spin briefly between two jobs.

#ifndef MINDVIDEO_THREADS_H_
#define MINDVIDEO_THREADS_H_

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "onednn.h"

// Work in numbered parts; each thread takes the next part until none is left. After an exception no more are taken.
class Job {
 public:
  Job(int parts, const std::function<void(int, int)>& body) : parts_(parts), body_(body) {}

  void Work() noexcept {
    for (int part; (part = next_.fetch_add(1, std::memory_order_relaxed)) < parts_;) {
      try {
        body_(part, parts_);
      } catch (...) {
        if (!failed_.exchange(true)) failure_ = std::current_exception();
        next_.store(parts_, std::memory_order_relaxed);
      }
    }
  }

  // Throws the first exception of the body, once all threads are done.
  void Rethrow() const {
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  const int parts_;
  const std::function<void(int, int)>& body_;
  std::atomic<int> next_{0};
  std::atomic<bool> failed_{false};
  std::exception_ptr failure_;
};

// A thread that works along with the one that hands it a job.
class Helper {
 public:
  Helper() : thread_([this] { Run(); }) {}

  ~Helper() {
    Hand(&kQuit);
    thread_.join();
  }

  void Hand(Job* job) {
    job_.store(job, std::memory_order_seq_cst);
    if (asleep_.load(std::memory_order_seq_cst)) {
      std::lock_guard<std::mutex> lock(mutex_);
      wake_.notify_one();
    }
  }

  // Takes the job back if it was not begun, else waits until the helper is done with its parts.
  void Finish(Job* job) {
    if (job_.compare_exchange_strong(job, nullptr)) return;
    for (int spin = 0; job_.load(std::memory_order_acquire) != nullptr; ++spin) Spin(spin);
  }

 private:
  static constexpr int kSpins = 4000;  // some 50 microseconds: from one kernel to the next, but not longer
  inline static const std::function<void(int, int)> kNothing = [](int, int) {};
  inline static Job kQuit{0, kNothing}, kBegun{0, kNothing};

  static void Spin(int spin) {
    if (spin >= kSpins) std::this_thread::yield();
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
  }

  void Run() {
    for (;;) {
      Job* job = Await();
      if (job == &kQuit) return;
      if (!job_.compare_exchange_strong(job, &kBegun)) continue;
      job->Work();
      job_.store(nullptr, std::memory_order_release);
    }
  }

  Job* Await() {
    for (int spin = 0; spin < kSpins; ++spin) {
      if (Job* job = job_.load(std::memory_order_acquire)) return job;
      Spin(spin);
    }
    std::unique_lock<std::mutex> lock(mutex_);
    asleep_.store(true, std::memory_order_seq_cst);
    Job* job = nullptr;
    wake_.wait(lock, [&] { return (job = job_.load(std::memory_order_seq_cst)) != nullptr; });
    asleep_.store(false, std::memory_order_relaxed);
    return job;
  }

  std::atomic<Job*> job_{nullptr};
  std::atomic<bool> asleep_{false};
  std::mutex mutex_;
  std::condition_variable wake_;
  std::thread thread_;  // last: it uses all the others
};

// The library always sees the same number of threads, so how it divides the work, and with that the rounding of every
// sum, does not depend on how many there really are.
class Pool : public dnnl::threadpool_interop::threadpool_iface {
 public:
  static constexpr int kParts = 16;

  explicit Pool(int threads) {
    for (int i = 1; i < std::min(threads, kParts); ++i) helpers_.push_back(std::make_unique<Helper>());
  }

  int get_num_threads() const override { return kParts; }
  bool get_in_parallel() const override { return inside_; }
  uint64_t get_flags() const override { return 0; }
  void wait() override {}

  // Calls body(part, parts) for every part and returns when all are done. An exception of the body comes out of here, once
  // no thread works any more; some parts are left undone then.
  void parallel_for(int parts, const std::function<void(int, int)>& body) override {
    const std::function<void(int, int)> marked = [&body](int part, int count) {
      const Inside inside;
      body(part, count);
    };
    Job job(parts, marked);
    {
      const Handout handout(inside_ || parts < 2 ? 0 : std::min<size_t>(helpers_.size(), parts - 1), helpers_, &job);
      job.Work();
    }
    job.Rethrow();
  }

 private:
  using Helpers = std::vector<std::unique_ptr<Helper>>;

  // Marks this thread as one that works on a part.
  class Inside {
   public:
    ~Inside() { inside_ = before_; }

   private:
    const bool before_ = std::exchange(inside_, true);
  };

  // The job in the hands of some helpers, who are done with it when this goes out of scope.
  class Handout {
   public:
    Handout(size_t count, const Helpers& helpers, Job* job) : helpers_(helpers), job_(job) {
      while (handed_ < count) helpers_[handed_++]->Hand(job);
    }
    ~Handout() {
      for (size_t i = 0; i < handed_; ++i) helpers_[i]->Finish(job_);
    }

   private:
    const Helpers& helpers_;
    Job* job_;
    size_t handed_ = 0;
  };

  inline static thread_local bool inside_ = false;
  Helpers helpers_;
};

#endif  // MINDVIDEO_THREADS_H_
