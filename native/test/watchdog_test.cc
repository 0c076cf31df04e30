#include "base/watchdog.h"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include "gate.h"

using codecell::base::Clock;
using codecell::base::Watchdog;
using codecell::test::Gate;
using std::chrono::hours;
using std::chrono::milliseconds;

namespace {

// Returns once every deadline that was due before the call has fired: callbacks run one after the other.
void Drain() {
  const auto drained = std::make_shared<Gate>();
  Watchdog::Instance().At(Clock::now(), [drained] { drained->Open(); });
  drained->Wait();
}

}  // namespace

TEST_CASE("a deadline fires once, not before its time, on another thread") {
  Gate fired;
  std::atomic<int> count{0};
  const auto when = Clock::now() + milliseconds(5);
  Clock::time_point at;
  std::thread::id thread;
  const auto id = Watchdog::Instance().At(when, [&] {
    count++;
    at = Clock::now();
    thread = std::this_thread::get_id();
    fired.Open();
  });
  CHECK(id != 0);
  fired.Wait();
  Drain();
  CHECK(count == 1);
  CHECK(at >= when);
  CHECK(thread != std::this_thread::get_id());
}

TEST_CASE("a deadline in the past fires at once") {
  Gate fired;
  Watchdog::Instance().At(Clock::now() - hours(1), [&] { fired.Open(); });
  fired.Wait();
}

TEST_CASE("a deadline before the clock began, and one just then, fire at once") {
  for (const Clock::time_point when : {Clock::time_point{}, Clock::time_point(hours(-1))}) {
    Gate fired;
    Watchdog::Instance().At(when, [&] { fired.Open(); });
    fired.Wait();
  }
}

TEST_CASE("deadlines fire in the order of their times, whatever the order they were set in") {
  std::vector<int> order;
  Gate last;
  const auto base = Clock::now() + milliseconds(20);
  auto& watchdog = Watchdog::Instance();
  watchdog.At(base + milliseconds(2), [&] {
    order.push_back(3);
    last.Open();
  });
  watchdog.At(base, [&] { order.push_back(1); });
  watchdog.At(base + milliseconds(1), [&] { order.push_back(2); });
  last.Wait();
  CHECK(order == std::vector{1, 2, 3});
}

TEST_CASE("a cancelled deadline does not fire and lets its callback go") {
  const auto held = std::make_shared<int>(1);
  const std::weak_ptr<int> weak = held;
  std::atomic<bool> fired{false};
  auto& watchdog = Watchdog::Instance();
  {
    auto copy = held;
    const auto id = watchdog.At(Clock::now() + hours(1), [copy, &fired] { fired = true; });
    CHECK(weak.use_count() >= 3);
    copy.reset();
    watchdog.Cancel(id);
    watchdog.Cancel(id);
  }
  CHECK(weak.use_count() == 1);
  Drain();
  CHECK_FALSE(fired);
}

TEST_CASE("cancelling an unknown or fired deadline is harmless") {
  auto& watchdog = Watchdog::Instance();
  Gate fired;
  const auto id = watchdog.At(Clock::now(), [&] { fired.Open(); });
  fired.Wait();
  watchdog.Cancel(id);
  watchdog.Cancel(0);
}

TEST_CASE("a callback may set and cancel deadlines") {
  auto& watchdog = Watchdog::Instance();
  Gate done;
  std::atomic<bool> cancelled_fired{false};
  watchdog.At(Clock::now(), [&] {
    const auto doomed = watchdog.At(Clock::now(), [&] { cancelled_fired = true; });
    watchdog.Cancel(doomed);
    watchdog.At(Clock::now(), [&] { done.Open(); });
  });
  done.Wait();
  Drain();
  CHECK_FALSE(cancelled_fired);
}

TEST_CASE("deadlines set and cancelled from many threads fire or vanish, each exactly once") {
  constexpr int kThreads = 4;
  constexpr int kEach = 500;
  auto& watchdog = Watchdog::Instance();
  std::atomic<int> kept{0};
  std::atomic<int> cancelled{0};
  Gate start;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; i++) {
    threads.emplace_back([&] {
      start.Wait();
      for (int n = 0; n < kEach; n++) {
        watchdog.At(Clock::now(), [&] { kept++; });
        watchdog.Cancel(watchdog.At(Clock::now() + hours(1), [&] { cancelled++; }));
      }
    });
  }
  start.Open();
  for (auto& thread : threads) thread.join();
  Drain();
  CHECK(kept == kThreads * kEach);
  CHECK(cancelled == 0);
}
