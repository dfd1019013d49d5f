// Bilinear resizing of pictures by whole factors, and its gradient.

#ifndef MINDVIDEO_RESIZE_H_
#define MINDVIDEO_RESIZE_H_

#include <cmath>
#include <vector>

#include "runtime.h"

// What a line's output takes of its inputs: neighbours `low` and `high`, and the share of the latter.
struct Blend {
  int64_t low, high;
  float share;
};

// Of every output. Centres lie at half pixels and are clamped or, `aligned`, first and last ones of both lines coincide.
inline std::vector<Blend> Blends(int64_t inputs, int64_t outputs, bool aligned) {
  std::vector<Blend> blends(outputs);
  for (int64_t i = 0; i < outputs; ++i) {
    const double step = aligned ? (inputs - 1.0) / std::max<int64_t>(outputs - 1, 1) : static_cast<double>(inputs) / outputs;
    const double at = aligned ? i * step : (i + 0.5) * step - 0.5;
    const double clamped = std::fmin(std::fmax(at, 0.0), inputs - 1.0);
    const auto low = static_cast<int64_t>(clamped);
    blends[i] = {low, std::min(low + 1, inputs - 1), static_cast<float>(clamped - low)};
  }
  return blends;
}

// Pictures with their channels last; those of N, C, H, W are N * C pictures of one channel.
struct Resizing {
  int64_t images, channels, in_columns;
  std::vector<Blend> rows, columns;
  int64_t in_rows;

  int64_t InLine() const { return in_columns * channels; }
  int64_t OutLine() const { return static_cast<int64_t>(columns.size()) * channels; }
  int64_t OutRows() const { return static_cast<int64_t>(rows.size()); }
};

// result = (1 - share) * low + share * high, element by element.
inline void Mix(const float* low, const float* high, float share, float* result, int64_t count) {
  for (int64_t i = 0; i < count; ++i) result[i] = low[i] + share * (high[i] - low[i]);
}

inline void ResizeLine(const Resizing& r, const float* line, float* result) {
  if (r.channels == 1) {
    for (const Blend& blend : r.columns) {
      *result++ = line[blend.low] + blend.share * (line[blend.high] - line[blend.low]);
    }
    return;
  }
  for (const Blend& blend : r.columns) {
    Mix(line + blend.low * r.channels, line + blend.high * r.channels, blend.share, result, r.channels);
    result += r.channels;
  }
}

inline void Resize(const Resizing& r, const float* x, float* result) {
  Runtime::Get().ForRanges(r.images * r.OutRows(), [&](int64_t begin, int64_t end) {
    std::vector<float> line(r.InLine());
    for (int64_t row = begin; row < end; ++row) {
      const Blend& blend = r.rows[row % r.OutRows()];
      const float* image = x + row / r.OutRows() * r.in_rows * r.InLine();
      Mix(image + blend.low * r.InLine(), image + blend.high * r.InLine(), blend.share, line.data(), r.InLine());
      ResizeLine(r, line.data(), result + row * r.OutLine());
    }
  });
}

// What a line of the result's gradient gives to the line that it was made from.
inline void ReturnLine(const Resizing& r, const float* of_result, float* line) {
  std::fill(line, line + r.InLine(), 0.f);
  for (const Blend& blend : r.columns) {
    float *low = line + blend.low * r.channels, *high = line + blend.high * r.channels;
    for (int64_t channel = 0; channel < r.channels; ++channel) low[channel] += (1 - blend.share) * of_result[channel];
    for (int64_t channel = 0; channel < r.channels; ++channel) high[channel] += blend.share * of_result[channel];
    of_result += r.channels;
  }
}

inline void AddTimes(float factor, const float* line, float* sum, int64_t count) {
  for (int64_t i = 0; i < count; ++i) sum[i] += factor * line[i];
}

// The gradient of some rows of one image. Each adds up in the order of the result's rows, whatever rows are asked for.
inline void ReturnRows(const Resizing& r, const float* of_result, float* of_x, int64_t begin, int64_t end, float* line) {
  std::fill(of_x + begin * r.InLine(), of_x + end * r.InLine(), 0.f);
  for (int64_t row = 0; row < r.OutRows(); ++row) {
    const Blend& blend = r.rows[row];
    if (blend.high < begin || blend.low >= end) continue;
    ReturnLine(r, of_result + row * r.OutLine(), line);
    if (blend.low >= begin) AddTimes(1 - blend.share, line, of_x + blend.low * r.InLine(), r.InLine());
    if (blend.high < end) AddTimes(blend.share, line, of_x + blend.high * r.InLine(), r.InLine());
  }
}

inline void ResizeGradient(const Resizing& r, const float* of_result, float* of_x) {
  Runtime::Get().ForRanges(r.images * r.in_rows, [&](int64_t begin, int64_t end) {
    std::vector<float> line(r.InLine());
    while (begin < end) {
      const int64_t image = begin / r.in_rows, stop = std::min(end, (image + 1) * r.in_rows);
      ReturnRows(r, of_result + image * r.OutRows() * r.OutLine(), of_x + image * r.in_rows * r.InLine(),
                 begin - image * r.in_rows, stop - image * r.in_rows, line.data());
      begin = stop;
    }
  });
}

#endif  // MINDVIDEO_RESIZE_H_
