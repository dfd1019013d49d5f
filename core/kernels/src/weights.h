// Weights in the library's layouts, kept from call to call while they do not change.

#ifndef MINDVIDEO_WEIGHTS_H_
#define MINDVIDEO_WEIGHTS_H_

#include <memory>
#include <unordered_map>
#include <vector>

#include "handles.h"
#include "threads.h"

// Finds copies by the tensor's address and recognises changes by a checksum of its content, which is read much faster than
// it is rearranged.
class PreparedWeights {
 public:
  struct Entry {
    Layout layout;
    uint64_t checksum = 0, call = 0;  // the last one that it was compared in
    bool filled = false;
    Arena data;
  };

  // The entry of a tensor and a layout. Where it is not `filled` with the tensor's present content, the caller fills it and
  // says so.
  Entry& Find(const void* tensor, size_t tensor_bytes, Handle layout, Pool* pool) {
    Entry& entry = EntryOf(tensor, layout);
    if (entry.filled && entry.call == call_) return entry;
    entry.call = call_;
    const uint64_t checksum = Checksum(static_cast<const char*>(tensor), tensor_bytes, pool);
    entry.filled = entry.filled && entry.checksum == checksum;
    entry.checksum = checksum;
    return entry;
  }

  // From now on tensors may have changed; until the next call they stay as they are.
  void BeginCall() { ++call_; }

  void Clear() {
    entries_.clear();
    bytes_ = 0;
  }

 private:
  static constexpr size_t kMaxBytes = size_t{1} << 30;

  Entry& EntryOf(const void* tensor, Handle layout) {
    for (const auto& entry : entries_[tensor]) {
      if (onednn::dnnl_memory_desc_equal(entry->layout.get(), layout)) return *entry;
    }
    const size_t bytes = onednn::dnnl_memory_desc_get_size(layout);
    if (bytes_ + bytes > kMaxBytes) Clear();
    auto entry = std::make_unique<Entry>();
    Check(onednn::dnnl_memory_desc_clone(entry->layout.out(), layout), "copying a layout");
    entry->data.Reserve(bytes);
    bytes_ += bytes;
    return *entries_[tensor].emplace_back(std::move(entry));
  }

  static uint64_t Checksum(const char* data, size_t bytes, Pool* pool) {
    uint64_t sums[Pool::kParts] = {}, sum = bytes;
    pool->parallel_for(Pool::kParts, [&](int part, int parts) {
      const size_t words = bytes / sizeof(uint64_t), begin = words * part / parts, end = words * (part + 1) / parts;
      sums[part] = Mix(data + begin * sizeof(uint64_t), end - begin);
    });
    uint64_t rest = 0;
    std::memcpy(&rest, data + bytes / sizeof(uint64_t) * sizeof(uint64_t), bytes % sizeof(uint64_t));
    for (uint64_t part : sums) sum = (sum ^ part) * kPrime;
    return (sum ^ rest) * kPrime;
  }

  // Every step is a bijection of its word, so that a single change always shows.
  static uint64_t Mix(const char* data, size_t words) {
    uint64_t lanes[kLanes] = {1, 2, 3, 4, 5, 6, 7, 8}, sum = 0, word;
    size_t i = 0;
    for (; i + kLanes <= words; i += kLanes) {
      for (size_t lane = 0; lane < kLanes; ++lane) {
        std::memcpy(&word, data + (i + lane) * sizeof(word), sizeof(word));
        lanes[lane] = Rotated((lanes[lane] ^ word) * kPrime);
      }
    }
    for (; i < words; ++i) {
      std::memcpy(&word, data + i * sizeof(word), sizeof(word));
      sum = Rotated((sum ^ word) * kPrime);
    }
    for (uint64_t lane : lanes) sum = Rotated((sum ^ lane) * kPrime);
    return sum;
  }

  static uint64_t Rotated(uint64_t x) { return x << 29 | x >> 35; }

  static constexpr size_t kLanes = 8;
  static constexpr uint64_t kPrime = 0x9E3779B185EBCA87;
  std::unordered_map<const void*, std::vector<std::unique_ptr<Entry>>> entries_;
  size_t bytes_ = 0;
  uint64_t call_ = 1;
};

#endif  // MINDVIDEO_WEIGHTS_H_
