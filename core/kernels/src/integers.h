// Exact products of integer matrices whose sums stay below 2^53: what chooses a codec's tables on every machine alike.

#ifndef MINDVIDEO_INTEGERS_H_
#define MINDVIDEO_INTEGERS_H_

#include "runtime.h"

// A tile of the product: kTileRows rows of the result, from a strip of `weights` (depth, rows), and kColumns columns.
// Doubles hold integers, so that neither order nor fused instructions matter.
constexpr int kLaneCount = 8, kTileLanes = 2, kTileRows = kLaneCount * kTileLanes, kTileColumns = 6;
typedef double Doubles __attribute__((vector_size(kLaneCount * sizeof(double))));
typedef int32_t Ints __attribute__((vector_size(kLaneCount * sizeof(int32_t))));
typedef int16_t Shorts __attribute__((vector_size(kLaneCount * sizeof(int16_t))));

template <int kColumns>
__attribute__((always_inline)) inline void MultiplyTile(const int16_t* weights, int64_t rows, const double* columns,
                                                        int64_t count, int64_t depth, double* sums) {
  Doubles tile[kColumns][kTileLanes] = {};
  for (int64_t k = 0; k < depth; ++k) {
    Doubles weight[kTileLanes];
#pragma GCC unroll 8
    for (int lane = 0; lane < kTileLanes; ++lane) {
      Shorts packed;
      std::memcpy(&packed, weights + k * rows + lane * kLaneCount, sizeof(packed));
      weight[lane] = __builtin_convertvector(__builtin_convertvector(packed, Ints), Doubles);
    }
#pragma GCC unroll 8
    for (int column = 0; column < kColumns; ++column) {
#pragma GCC unroll 8
      for (int lane = 0; lane < kTileLanes; ++lane) tile[column][lane] += weight[lane] * columns[k * count + column];
    }
  }
#pragma GCC unroll 8
  for (int column = 0; column < kColumns; ++column) {
#pragma GCC unroll 8
    for (int lane = 0; lane < kTileLanes; ++lane) {
      double made[kLaneCount];
      std::memcpy(made, &tile[column][lane], sizeof(made));
      for (int i = 0; i < kLaneCount; ++i) sums[(lane * kLaneCount + i) * count + column] = made[i];
    }
  }
}

// All columns of a strip.
__attribute__((target_clones("avx512f", "avx2", "default"))) inline void MultiplyStrip(
    const int16_t* weights, int64_t rows, const double* columns, int64_t count, int64_t depth, double* sums) {
  int64_t column = 0;
  for (; column + kTileColumns <= count; column += kTileColumns) {
    MultiplyTile<kTileColumns>(weights, rows, columns + column, count, depth, sums + column);
  }
  for (; column + 2 <= count; column += 2) {
    MultiplyTile<2>(weights, rows, columns + column, count, depth, sums + column);
  }
  if (column < count) MultiplyTile<1>(weights, rows, columns + column, count, depth, sums + column);
}

// sums (rows, count) = transpose of weights (depth, rows) * columns (depth, count); rows are a multiple of kTileRows.
inline void MultiplyIntegers(const int16_t* weights, const double* columns, double* sums, int64_t rows, int64_t depth,
                             int64_t count) {
  if (rows % kTileRows) throw std::invalid_argument("rows are a multiple of " + std::to_string(kTileRows));
  Runtime::Get().ForRanges(rows / kTileRows, [=](int64_t begin, int64_t end) {
    for (int64_t row = begin * kTileRows; row < end * kTileRows; row += kTileRows) {
      MultiplyStrip(weights + row, rows, columns, count, depth, sums + row * count);
    }
  });
}

#endif  // MINDVIDEO_INTEGERS_H_
