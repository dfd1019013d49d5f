// Motion towards the middle of two frames: what `core.nn.middle_motion` computes by MindSpore's operators, in one.

#ifndef MINDVIDEO_MIDDLE_H_
#define MINDVIDEO_MIDDLE_H_

#include <algorithm>
#include <array>
#include <cmath>

#include "runtime.h"

// How the search judges; the names are those of `core.nn.middle_motion`.
struct MiddleSearch {
  int64_t levels, window, smoothing;
  float step_price, rest_price, rest_share, certain;
};

// A plane of one level. What lies beyond its edges is what lies on them.
struct MiddlePlane {
  int64_t height, width;
  std::vector<float> values;

  MiddlePlane(int64_t rows, int64_t columns) : height(rows), width(columns), values(rows * columns) {}

  float* Row(int64_t y) { return values.data() + y * width; }
  const float* Row(int64_t y) const { return values.data() + std::clamp<int64_t>(y, 0, height - 1) * width; }
  float At(int64_t y, int64_t x) const { return Row(y)[std::clamp<int64_t>(x, 0, width - 1)]; }

  // value(y, x) for all places.
  template <typename Value>
  void Fill(const Value& value) {
    Runtime::Get().ForRanges(height, [&](int64_t begin, int64_t end) {
      for (int64_t y = begin; y < end; ++y) {
        float* row = Row(y);
        for (int64_t x = 0; x < width; ++x) row[x] = value(y, x);
      }
    });
  }

  // Bilinear, at a position that is clamped to the plane; what is no number counts as 0.
  float Sample(float y, float x) const {
    y = y > 0 ? std::fmin(y, static_cast<float>(height - 1)) : 0.f;
    x = x > 0 ? std::fmin(x, static_cast<float>(width - 1)) : 0.f;
    const int64_t top = static_cast<int64_t>(y), left = static_cast<int64_t>(x);
    const int64_t right = std::min(left + 1, width - 1);
    const float down = y - static_cast<float>(top), across = x - static_cast<float>(left);
    const float *upper = Row(top), *lower = Row(top + 1);
    const float above = upper[left] + across * (upper[right] - upper[left]);
    const float below = lower[left] + across * (lower[right] - lower[left]);
    return above + down * (below - above);
  }
};

struct MiddleFlow {
  MiddlePlane x, y;

  MiddleFlow(int64_t height, int64_t width) : x(height, width), y(height, width) {}
};

// Means of windows around each place.
inline MiddlePlane WindowMeans(const MiddlePlane& plane, int64_t side) {
  const int64_t reach = side / 2;
  const float share = 1.f / static_cast<float>(side);
  MiddlePlane result(plane.height, plane.width);
  Runtime::Get().ForRanges(plane.height, [&](int64_t begin, int64_t end) {
    std::vector<float> column(plane.width + 2 * reach);
    for (int64_t y = begin; y < end; ++y) {
      std::fill(column.begin(), column.end(), 0.f);
      float* inner = column.data() + reach;
      for (int64_t row = y - reach; row <= y + reach; ++row) {
        const float* values = plane.Row(row);
        for (int64_t x = 0; x < plane.width; ++x) inner[x] += values[x];
      }
      std::fill(column.data(), inner, inner[0]);
      std::fill(inner + plane.width, column.data() + column.size(), inner[plane.width - 1]);
      float* made = result.Row(y);
      for (int64_t x = 0; x < plane.width; ++x) made[x] = 0;
      for (int64_t tap = 0; tap < side; ++tap) {
        for (int64_t x = 0; x < plane.width; ++x) made[x] += column[x + tap];
      }
      for (int64_t x = 0; x < plane.width; ++x) made[x] *= share * share;
    }
  });
  return result;
}

inline MiddlePlane Halved(const MiddlePlane& plane) {
  MiddlePlane result((plane.height + 1) / 2, (plane.width + 1) / 2);
  result.Fill([&](int64_t y, int64_t x) {
    const float above = plane.At(2 * y, 2 * x) + plane.At(2 * y, 2 * x + 1);
    return (above + plane.At(2 * y + 1, 2 * x) + plane.At(2 * y + 1, 2 * x + 1)) / 4;
  });
  return result;
}

// Displacements of a level, twice as long, at the places of the next one.
inline MiddlePlane Doubled(const MiddlePlane& plane, const MiddlePlane& like) {
  MiddlePlane result(like.height, like.width);
  result.Fill([&](int64_t y, int64_t x) {
    return 2 * plane.Sample((static_cast<float>(y) + 0.5f) / 2 - 0.5f, (static_cast<float>(x) + 0.5f) / 2 - 0.5f);
  });
  return result;
}

// The plane at places moved by sign times the flow.
inline MiddlePlane Moved(const MiddlePlane& plane, const MiddleFlow& flow, float sign) {
  MiddlePlane result(plane.height, plane.width);
  result.Fill([&](int64_t y, int64_t x) {
    return plane.Sample(static_cast<float>(y) + sign * flow.y.Row(y)[x],
                        static_cast<float>(x) + sign * flow.x.Row(y)[x]);
  });
  return result;
}

// Mean differences around each place, of planes of which one is displaced by (-x, -y) and the other by (x, y).
inline MiddlePlane Compared(const MiddlePlane& first, const MiddlePlane& last, int64_t window, int64_t x, int64_t y) {
  MiddlePlane differences(first.height, first.width);
  differences.Fill([&](int64_t row, int64_t column) {
    return std::fabs(first.At(row - y, column - x) - last.At(row + y, column + x));
  });
  return WindowMeans(differences, window);
}

// Where the parabola through three costs is lowest.
inline float BelowAPixel(float before, float here, float after) {
  const float bend = before - 2 * here + after;
  return bend > 1e-6f ? std::fmin(std::fmax(0.5f * (before - after) / bend, -0.5f), 0.5f) : 0.f;
}

// The displacement of least cost among nine, as a mean where several are; about the middle it is told below a pixel.
inline MiddleFlow LeastCost(const MiddlePlane& first, const MiddlePlane& last, const MiddleSearch& search) {
  std::vector<MiddlePlane> costs;
  for (int64_t i = 0; i < 9; ++i) costs.push_back(Compared(first, last, search.window, i % 3 - 1, i / 3 - 1));
  MiddleFlow flow(first.height, first.width);
  Runtime::Get().ForRanges(first.height, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin * first.width; i < end * first.width; ++i) {
      float least = INFINITY, x = 0, y = 0, count = 0, stays = 0;
      for (int place = 0; place < 9; ++place) {
        const int right = place % 3 - 1, down = place / 3 - 1;
        const float length = std::sqrt(static_cast<float>(right * right + down * down));
        const float cost = costs[place].values[i] + search.step_price * length;
        if (cost > least) continue;
        if (cost < least) x = y = count = stays = 0;
        least = cost;
        x += right;
        y += down;
        count += 1;
        if (place == 4) stays = 1;
      }
      const auto cost = [&](int place) { return costs[place].values[i]; };
      flow.x.values[i] = (x + stays * BelowAPixel(cost(3), cost(4), cost(5))) / std::fmax(count, 1.f);
      flow.y.values[i] = (y + stays * BelowAPixel(cost(1), cost(4), cost(7))) / std::fmax(count, 1.f);
    }
  });
  return flow;
}

// Gives up what does not pay, and averages the rest with more weight for what fits.
inline void Settle(const MiddlePlane& first, const MiddlePlane& last, const MiddleSearch& search, MiddleFlow* flow) {
  const MiddlePlane resting = Compared(first, last, search.window, 0, 0);
  MiddlePlane weights = Compared(Moved(first, *flow, -1), Moved(last, *flow, 1), search.window, 0, 0);
  Runtime::Get().ForRanges(first.height, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin * first.width; i < end * first.width; ++i) {
      const float moving = weights.values[i], certain = moving + search.certain;
      const float weight = 1 / (certain * certain);
      const bool pays = moving + search.rest_price < search.rest_share * resting.values[i];
      weights.values[i] = weight;
      flow->x.values[i] = pays ? flow->x.values[i] * weight : 0.f;
      flow->y.values[i] = pays ? flow->y.values[i] * weight : 0.f;
    }
  });
  const MiddlePlane total = WindowMeans(weights, search.smoothing);
  for (MiddlePlane* plane : {&flow->x, &flow->y}) {
    const MiddlePlane sum = WindowMeans(*plane, search.smoothing);
    plane->Fill([&](int64_t y, int64_t x) { return sum.Row(y)[x] / total.Row(y)[x]; });
  }
}

// Of lumas (height, width) to displacements: a plane of all x, then one of all y.
inline void SearchMiddle(const MiddleSearch& search, int64_t height, int64_t width, const float* first,
                         const float* last, float* result) {
  std::vector<std::array<MiddlePlane, 2>> levels;
  levels.push_back({MiddlePlane(height, width), MiddlePlane(height, width)});
  std::copy_n(first, height * width, levels[0][0].values.data());
  std::copy_n(last, height * width, levels[0][1].values.data());
  while (static_cast<int64_t>(levels.size()) < search.levels) {
    levels.push_back({Halved(levels.back()[0]), Halved(levels.back()[1])});
  }
  MiddleFlow flow = LeastCost(levels.back()[0], levels.back()[1], search);
  Settle(levels.back()[0], levels.back()[1], search, &flow);
  for (size_t level = levels.size() - 1; level-- > 0;) {
    const MiddlePlane &before = levels[level][0], &after = levels[level][1];
    MiddleFlow known(before.height, before.width);
    known.x = Doubled(flow.x, before);
    known.y = Doubled(flow.y, before);
    flow = LeastCost(Moved(before, known, -1), Moved(after, known, 1), search);
    for (size_t i = 0; i < flow.x.values.size(); ++i) {
      flow.x.values[i] += known.x.values[i];
      flow.y.values[i] += known.y.values[i];
    }
    Settle(before, after, search, &flow);
  }
  std::copy(flow.x.values.begin(), flow.x.values.end(), result);
  std::copy(flow.y.values.begin(), flow.y.values.end(), result + height * width);
}

#endif  // MINDVIDEO_MIDDLE_H_
