// What MindSpore hands to an "aot" operator beside its tensors, by the place of each method in its table.

#ifndef MINDVIDEO_MINDSPORE_H_
#define MINDVIDEO_MINDSPORE_H_

#include <cstdint>
#include <string>
#include <vector>

#if _GLIBCXX_USE_CXX11_ABI
#error "MindSpore is built with -D_GLIBCXX_USE_CXX11_ABI=0, and strings pass between it and this library"
#endif

class OperatorAttributes {
 public:
  virtual ~OperatorAttributes() = default;
  virtual bool Has(std::string name) = 0;
  virtual bool Boolean(std::string name) = 0;
  virtual int64_t Integer(std::string name) = 0;
  virtual float Real(std::string name) = 0;
  virtual std::string Text(std::string name) = 0;
  virtual std::vector<int64_t> Integers(std::string name) = 0;
};

#endif  // MINDVIDEO_MINDSPORE_H_
