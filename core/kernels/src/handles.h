// oneDNN's objects with owners, and the memory that kernels borrow.

#ifndef MINDVIDEO_HANDLES_H_
#define MINDVIDEO_HANDLES_H_

#include <cstdlib>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>

#include "onednn.h"

using onednn::Handle;

inline void Check(int status, const char* what) {
  if (status != 0) throw std::runtime_error(std::string(what) + " failed with oneDNN status " + std::to_string(status));
}

// Owns what the library created.
template <int (*&Destroy)(Handle)>
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

using Layout = Owned<onednn::dnnl_memory_desc_destroy>;
using Memory = Owned<onednn::dnnl_memory_destroy>;
using PrimitiveAttributes = Owned<onednn::dnnl_primitive_attr_destroy>;
using PostOperations = Owned<onednn::dnnl_post_ops_destroy>;
using Descriptor = Owned<onednn::dnnl_primitive_desc_destroy>;
using Primitive = Owned<onednn::dnnl_primitive_destroy>;
using Stream = Owned<onednn::dnnl_stream_destroy>;

inline Handle Engine() {
  static const Handle engine = [] {
    Handle created;
    Check(onednn::dnnl_engine_create(&created, onednn::kCpu, 0), "creating an engine");
    return created;
  }();
  return engine;
}

// Aligned memory that grows on demand; what it held is lost then.
class Arena {
 public:
  Arena() = default;
  Arena(Arena&& other) noexcept : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
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

#endif  // MINDVIDEO_HANDLES_H_
