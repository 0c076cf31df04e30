#include "base/memory_watch.h"

#include <doctest/doctest.h>

#include <atomic>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

#include "base/native_thread.h"
#include "base/units.h"
#include "gate.h"

using codecell::base::kMegabyte;
using codecell::base::MemoryWatch;
using codecell::base::ThreadClock;
using codecell::test::Gate;

#if defined(__linux__)

namespace {

// Takes memory, 8 MiB at a time, until it is told to stop or has 1 GiB. Returns what it has.
std::vector<std::unique_ptr<char[]>> Grow(const std::atomic<bool>& stop) {
  std::vector<std::unique_ptr<char[]>> kept;
  while (!stop && kept.size() < 128) {
    kept.push_back(std::make_unique<char[]>(8 * kMegabyte));
    std::memset(kept.back().get(), 1, 8 * kMegabyte);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return kept;
}

}  // namespace

TEST_CASE("a thread that grows is told of, and one that sleeps meanwhile is not") {
  std::atomic<bool> grown{false};
  std::atomic<bool> blamed{false};
  Gate sleeping;
  Gate done;
  std::thread sleeper([&] {
    ThreadClock clock;
    clock.BindToCurrentThread();
    const auto id =
        MemoryWatch::Instance().Add(clock.thread_id(), 32 * kMegabyte, [&](size_t) { blamed = true; });
    sleeping.Open();
    done.Wait();
    MemoryWatch::Instance().Remove(id);
  });
  sleeping.Wait();
  std::atomic<size_t> told{0};
  std::thread grower([&] {
    ThreadClock clock;
    clock.BindToCurrentThread();
    const auto id = MemoryWatch::Instance().Add(clock.thread_id(), 64 * kMegabyte, [&](size_t bytes) {
      told = bytes;
      grown = true;
    });
    const auto kept = Grow(grown);
    MemoryWatch::Instance().Remove(id);
  });
  grower.join();
  done.Open();
  sleeper.join();
  CHECK(grown);
  CHECK(told > 64 * kMegabyte);
  CHECK(!blamed);
}

#endif
