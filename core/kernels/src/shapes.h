// What shapes an operator takes and gives, as patterns that are checked before anything is computed.

#ifndef MINDVIDEO_SHAPES_H_
#define MINDVIDEO_SHAPES_H_

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

using Shape = std::vector<int64_t>;

// Of an axis, and of a shape's only axis where not even their number is known, before the operator runs.
constexpr int64_t kUnknown = -1, kUnknownRank = -2;
// Float32 holds every whole number up to this one; positions along a longer side would be rounded.
constexpr int64_t kLongestSide = 1 << 24;

// One call of an operator, or what infers the shapes of its results: what MindSpore says of its tensors.
struct Call {
  const char* name;
  const int* ranks;
  int64_t** shapes;
  void* attributes;

  bool IsUnknown(size_t tensor) const { return ranks[tensor] > 0 && shapes[tensor][0] == kUnknownRank; }
  Shape Given(size_t tensor) const { return Shape(shapes[tensor], shapes[tensor] + ranks[tensor]); }

  std::string Text(size_t tensor) const {
    std::string text;
    for (int64_t size : Given(tensor)) text += (text.empty() ? "" : ", ") + std::to_string(size);
    return "(" + text + ")";
  }
};

// The sizes of an operator's axes, each under a letter. A tensor's pattern is its axes with blanks between: a letter, a
// number, or a multiple of a letter, like "N H W 18G". D, H, W, h and w are sides of pictures and of stacks.
class Axes {
 public:
  // Throws unless the first tensors are of these patterns, a letter standing for the same size in all of them.
  Axes(const Call& call, std::vector<const char*> patterns) : call_(call), patterns_(std::move(patterns)) {
    std::fill(std::begin(sizes_), std::end(sizes_), kUnknown);
    for (size_t i = 0; i < patterns_.size(); ++i) Read(i);
  }

  int64_t operator[](char letter) const { return sizes_[static_cast<size_t>(letter)]; }

  // Throws if the letter stands for another size already; `why` says what that means.
  void Bind(char letter, int64_t size, const std::string& why) {
    if (size == kUnknown) return;
    int64_t& bound = sizes_[static_cast<size_t>(letter)];
    if (bound != kUnknown && bound != size) Fail(why);
    if (std::strchr("DHWhw", letter) && (size < 1 || size > kLongestSide)) {
      Fail("sides are from 1 to " + std::to_string(kLongestSide));
    }
    bound = size;
  }

  // A shape of this pattern, as far as its sizes are known.
  Shape Of(const char* pattern) const {
    Shape shape;
    ForAxes(pattern, [&](int64_t factor, char letter) {
      const int64_t size = letter ? (*this)[letter] : 1;
      shape.push_back(size == kUnknown ? kUnknown : factor * size);
    });
    return shape;
  }

  [[noreturn]] void Fail(const std::string& why) const {
    std::string all;
    for (size_t i = 0; i < patterns_.size(); ++i) all += (i ? ", " : "") + call_.Text(i);
    throw std::invalid_argument(std::string(call_.name) + " of tensors of shapes " + all + ": " + why);
  }

 private:
  // Calls body(factor, letter) for every axis; the letter of a number is 0.
  template <typename Body>
  static void ForAxes(const char* pattern, const Body& body) {
    for (const char* at = pattern; *at;) {
      int64_t factor = 0;
      for (; std::isdigit(*at); ++at) factor = 10 * factor + (*at - '0');
      const char letter = std::isalpha(*at) ? *at++ : '\0';
      body(factor ? factor : 1, letter);
      while (*at == ' ') ++at;
    }
  }

  void Read(size_t tensor) {
    if (call_.IsUnknown(tensor)) return;
    const int rank = call_.ranks[tensor];
    const int64_t* shape = call_.shapes[tensor];
    int axis = 0;
    ForAxes(patterns_[tensor], [&](int64_t factor, char letter) {
      if (axis == rank) FailToFit();
      const int64_t size = shape[axis++];
      if (size == kUnknown) return;
      if (size % factor || (!letter && size != factor)) FailToFit();
      if (letter) Bind(letter, size / factor);
    });
    if (axis != rank) FailToFit();
  }

  void Bind(char letter, int64_t size) {
    if ((*this)[letter] != kUnknown && (*this)[letter] != size) FailToFit();
    Bind(letter, size, "");
  }

  [[noreturn]] void FailToFit() const {
    std::string all;
    for (const char* pattern : patterns_) all += std::string(all.empty() ? "(" : ", (") + pattern + ")";
    Fail("they do not fit each other as " + all);
  }

  const Call& call_;
  std::vector<const char*> patterns_;
  int64_t sizes_[128];
};

// Throws unless the first so many tensors have one shape, whatever it is.
inline void RequireEqual(const Call& call, size_t count) {
  const auto fits = [](int64_t left, int64_t right) { return left == right || left == kUnknown || right == kUnknown; };
  const Shape first = call.Given(0);
  for (size_t i = 1; i < count && !call.IsUnknown(0); ++i) {
    const Shape other = call.Given(i);
    if (!call.IsUnknown(i) && !std::equal(first.begin(), first.end(), other.begin(), other.end(), fits)) {
      throw std::invalid_argument(std::string(call.name) + " of tensors of shapes " + call.Text(0) + ", " + call.Text(i) +
                                  ": they do not fit each other");
    }
  }
}

#endif  // MINDVIDEO_SHAPES_H_
