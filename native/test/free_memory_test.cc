#include "base/free_memory.h"

#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#include "base/units.h"

using codecell::base::ArenaTrimmer;
using codecell::base::kMegabyte;

#if defined(__GLIBC__)

// Sanitizers bring an allocator of their own, which keeps freed blocks on purpose.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CODECELL_OWN_MALLOC false
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define CODECELL_OWN_MALLOC false
#endif
#endif
#ifndef CODECELL_OWN_MALLOC
#define CODECELL_OWN_MALLOC true
#endif

namespace {

long ResidentMegabytes() {
  long total = 0;
  long resident = 0;
  std::FILE* const file = std::fopen("/proc/self/statm", "r");
  REQUIRE(file != nullptr);
  REQUIRE(std::fscanf(file, "%ld %ld", &total, &resident) == 2);
  std::fclose(file);
  return resident * 4096 / static_cast<long>(kMegabyte);
}

// Written to and freed, as one block and in many.
void Use(size_t bytes, size_t block_bytes) {
  std::vector<void*> blocks;
  for (size_t i = 0; i < bytes / block_bytes; i++) {
    blocks.push_back(std::malloc(block_bytes));
    std::memset(blocks.back(), 1, block_bytes);
  }
  for (void* const block : blocks) std::free(block);
}

}  // namespace

TEST_CASE("what a thread's arena keeps at its end is handed back once the thread has touched much memory" *
          doctest::skip(!CODECELL_OWN_MALLOC)) {
  std::thread([] {
    ArenaTrimmer trimmer;
    // glibc keeps up to twice the largest block that had a mapping of its own.
    Use(30 * kMegabyte, 30 * kMegabyte);
    const long before = ResidentMegabytes();
    Use(24 * kMegabyte, 100);
    trimmer.TrimWhenWorth();
    const long kept = ResidentMegabytes() - before;
    CHECK(kept >= 20);
    Use(40 * kMegabyte, 40 * kMegabyte);
    trimmer.TrimWhenWorth();
    CHECK(ResidentMegabytes() - before <= 4);
  }).join();
}

#endif
