// A pool of threads that oneDNN runs its kernels on: the caller works along, helpers spin briefly between two jobs.

#ifndef MINDVIDEO_THREADS_H_
#define MINDVIDEO_THREADS_H_

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "onednn.h"

// Work in numbered parts; each thread takes the next part until none is left.
class Job {
 public:
  Job(int parts, const std::function<void(int, int)>& body) : parts_(parts), body_(body) {}

  void Work() {
    for (int part; (part = next_.fetch_add(1, std::memory_order_relaxed)) < parts_;) body_(part, parts_);
  }

 private:
  const int parts_;
  const std::function<void(int, int)>& body_;
  std::atomic<int> next_{0};
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

  // Calls body(part, parts) for every part and returns when all are done.
  void parallel_for(int parts, const std::function<void(int, int)>& body) override {
    const std::function<void(int, int)> marked = [&body](int part, int count) {
      const bool before = std::exchange(inside_, true);
      body(part, count);
      inside_ = before;
    };
    Job job(parts, marked);
    const size_t helpers = inside_ || parts < 2 ? 0 : std::min<size_t>(helpers_.size(), parts - 1);
    for (size_t i = 0; i < helpers; ++i) helpers_[i]->Hand(&job);
    job.Work();
    for (size_t i = 0; i < helpers; ++i) helpers_[i]->Finish(&job);
  }

 private:
  inline static thread_local bool inside_ = false;
  std::vector<std::unique_ptr<Helper>> helpers_;
};

#endif  // MINDVIDEO_THREADS_H_
