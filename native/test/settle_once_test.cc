#include "base/settle_once.h"

#include <doctest/doctest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "gate.h"

using codecell::base::SettleOnce;
using codecell::test::Gate;

TEST_CASE("an outcome is open until it is settled") {
  SettleOnce<std::string> outcome;
  CHECK_FALSE(outcome.decided());
  CHECK_FALSE(outcome.settled());
  CHECK(outcome.Settle("completed"));
  CHECK(outcome.decided());
  CHECK(outcome.settled());
  CHECK(outcome.value() == "completed");
}

TEST_CASE("a second settle is refused and changes nothing") {
  SettleOnce<std::string> outcome;
  CHECK(outcome.Settle("terminated"));
  CHECK_FALSE(outcome.Settle("completed"));
  CHECK(outcome.value() == "terminated");
}

TEST_CASE("exactly one of many racing settlers wins, and readers see its whole value") {
  constexpr int kSettlers = 4;
  for (int round = 0; round < 500; round++) {
    SettleOnce<std::string> outcome;
    Gate start;
    std::atomic<int> wins{0};
    std::atomic<int> winner{-1};
    std::string seen;
    std::vector<std::thread> threads;
    for (int settler = 0; settler < kSettlers; settler++) {
      threads.emplace_back([&, settler] {
        start.Wait();
        // Longer than a string keeps inline, so that a torn value would show.
        if (outcome.Settle(std::string(100, static_cast<char>('a' + settler)))) {
          wins++;
          winner = settler;
        }
      });
    }
    threads.emplace_back([&] {
      start.Wait();
      while (!outcome.settled()) std::this_thread::yield();
      seen = outcome.value();
    });
    start.Open();
    for (auto& thread : threads) thread.join();
    REQUIRE(wins == 1);
    REQUIRE(seen == std::string(100, static_cast<char>('a' + winner)));
  }
}
