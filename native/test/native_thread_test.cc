#include "base/native_thread.h"

#include <doctest/doctest.h>

#include <atomic>
#include <cstdint>
#include <memory>

#include "gate.h"

using codecell::base::CurrentThreadCpuMilliseconds;
using codecell::base::StackLimitForCurrentThread;
using codecell::base::StartDetachedThread;
using codecell::base::ThreadClock;
using codecell::test::Gate;

TEST_CASE("a detached thread runs its body with a stack of the size asked for") {
  const auto done = std::make_shared<Gate>();
  const auto sum = std::make_shared<std::atomic<int>>(0);
  constexpr size_t kStack = 4 * 1024 * 1024;
  REQUIRE(StartDetachedThread("codecell-test", kStack, [=] {
    volatile char deep[kStack / 2];
    for (size_t i = 0; i < sizeof deep; i += 4096) deep[i] = 1;
    for (size_t i = 0; i < sizeof deep; i += 4096) *sum += deep[i];
    done->Open();
  }));
  done->Wait();
  CHECK(*sum == static_cast<int>(kStack / 2 / 4096));
}

TEST_CASE("a stack that cannot be had is refused and the body never runs") {
  const auto ran = std::make_shared<std::atomic<bool>>(false);
  CHECK_FALSE(StartDetachedThread("codecell-test", SIZE_MAX / 4 & ~size_t{0xFFFF}, [=] { *ran = true; }));
  CHECK_FALSE(*ran);
}

TEST_CASE("the stack limit lies below the caller by what may be used") {
  const char here = 0;
  const auto limit = StackLimitForCurrentThread(100'000);
  const auto distance = static_cast<int64_t>(reinterpret_cast<uintptr_t>(&here) - limit);
  CHECK(distance > 50'000);
  CHECK(distance < 150'000);
}

TEST_CASE("a thread's clock counts its work and can be read by another thread") {
  struct Shared {
    ThreadClock clock;
    Gate worked;
    Gate read;
    Gate done;
  };
  const auto shared = std::make_shared<Shared>();
  REQUIRE(StartDetachedThread("codecell-test", 1024 * 1024, [shared] {
    shared->clock.BindToCurrentThread();
    while (CurrentThreadCpuMilliseconds() < 5) {
    }
    shared->worked.Open();
    shared->read.Wait();
    shared->done.Open();
  }));
  shared->worked.Wait();
  CHECK(shared->clock.CpuMilliseconds() >= 5);
  shared->clock.LowerPriority();
  shared->read.Open();
  shared->done.Wait();
}
