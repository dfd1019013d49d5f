// Jobs that throw, on the pool of core/kernels/src/threads.h: exits with 0 if all goes as it should.

#include "threads.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <numeric>
#include <string>

#define REQUIRE(condition)                                                  \
  do {                                                                      \
    if (!(condition)) {                                                     \
      std::printf("%s, line %d: not %s\n", __func__, __LINE__, #condition); \
      std::exit(1);                                                         \
    }                                                                       \
  } while (false)

constexpr int kParts = Pool::kParts, kRounds = 50;

// The exception's text; empty where none comes.
template <typename Body>
std::string Thrown(Pool* pool, const Body& body) {
  try {
    pool->parallel_for(kParts, body);
  } catch (const std::exception& error) {
    return error.what();
  }
  return "";
}

// Every part runs once, on all threads where there are several.
void RequireUsable(Pool* pool) {
  std::vector<int> runs(kParts);
  pool->parallel_for(kParts, [&](int part, int parts) {
    REQUIRE(parts == kParts);
    ++runs[part];
  });
  REQUIRE(std::accumulate(runs.begin(), runs.end(), 0) == kParts);
  REQUIRE(*std::min_element(runs.begin(), runs.end()) == 1);
  REQUIRE(!pool->get_in_parallel());
}

// Waits until a second thread has begun a part too, or is not to be expected any more.
void Meet(std::atomic<int>* begun) {
  ++*begun;
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(20);
  while (*begun < 2 && std::chrono::steady_clock::now() < until) std::this_thread::yield();
}

// Exceptions in the caller's parts alone, or in those of helpers.
void ThrowOn(Pool* pool, bool caller, bool with_helpers) {
  const auto own = std::this_thread::get_id();
  int thrown = 0;
  for (int round = 0; round < kRounds; ++round) {
    std::atomic<int> begun{0}, running{0};
    const std::string said = Thrown(pool, [&](int, int) {
      ++running;
      if (with_helpers) Meet(&begun);
      const bool throws = (std::this_thread::get_id() == own) == caller;
      if (!throws) std::this_thread::yield();
      --running;
      if (throws) throw std::runtime_error("thrown");
    });
    REQUIRE(running == 0);  // nobody works on after it came out
    REQUIRE(said.empty() || said == "thrown");
    thrown += said == "thrown";
    RequireUsable(pool);
  }
  REQUIRE(thrown > 0);
}

void ThrowEverywhere(Pool* pool) {
  for (int round = 0; round < kRounds; ++round) {
    std::atomic<int> begun{0};
    REQUIRE(Thrown(pool, [&](int, int) {
              ++begun;
              throw std::runtime_error("thrown");
            }) == "thrown");
    REQUIRE(begun >= 1 && begun <= 4);  // each thread's first part; no more are handed out
  }
  RequireUsable(pool);
}

void NoMemory(Pool* pool) {
  bool caught = false;
  try {
    pool->parallel_for(kParts, [](int, int) { throw std::bad_alloc(); });
  } catch (const std::bad_alloc&) {
    caught = true;
  }
  REQUIRE(caught);
  RequireUsable(pool);
}

void WhatIsNoException(Pool* pool) {
  int caught = 0;
  try {
    pool->parallel_for(kParts, [](int, int) { throw 7; });
  } catch (int thrown) {
    caught = thrown;
  }
  REQUIRE(caught == 7);
  RequireUsable(pool);
}

// A job within a part runs on that part's thread alone; what it throws comes out of both.
void Nested(Pool* pool) {
  for (int round = 0; round < kRounds; ++round) {
    std::atomic<int> inner{0};
    pool->parallel_for(kParts, [&](int, int) {
      const auto own = std::this_thread::get_id();
      REQUIRE(pool->get_in_parallel());
      pool->parallel_for(kParts, [&](int, int) {
        REQUIRE(std::this_thread::get_id() == own);
        ++inner;
      });
      REQUIRE(pool->get_in_parallel());
    });
    REQUIRE(inner == kParts * kParts);
    REQUIRE(Thrown(pool, [&](int, int) {
              pool->parallel_for(kParts, [](int part, int) {
                if (part == 3) throw std::runtime_error("from within");
              });
            }) == "from within");
    RequireUsable(pool);
  }
}

int main() {
  for (int threads : {1, 2, 4}) {
    Pool pool(threads);
    RequireUsable(&pool);
    ThrowOn(&pool, true, threads > 1);
    if (threads > 1) ThrowOn(&pool, false, true);
    ThrowEverywhere(&pool);
    NoMemory(&pool);
    WhatIsNoException(&pool);
    Nested(&pool);
  }
  return 0;
}
