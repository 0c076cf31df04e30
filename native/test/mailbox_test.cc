#include "base/mailbox.h"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include "gate.h"

using codecell::base::Clock;
using codecell::base::Mailbox;
using codecell::test::Gate;

TEST_CASE("a mailbox hands over everything pushed, in order, at once") {
  Mailbox<int> mailbox;
  for (int i = 0; i < 5; i++) mailbox.Push(i);
  CHECK(mailbox.TakeAll() == std::vector{0, 1, 2, 3, 4});
  CHECK(mailbox.TakeAll().empty());
}

TEST_CASE("a mailbox takes values that can only be moved") {
  Mailbox<std::unique_ptr<int>> mailbox;
  mailbox.Push(std::make_unique<int>(7));
  const auto taken = mailbox.WaitAndTakeAll(std::nullopt);
  REQUIRE(taken.size() == 1);
  CHECK(*taken[0] == 7);
}

TEST_CASE("a mailbox does not wait when something is there") {
  Mailbox<int> mailbox;
  mailbox.Push(1);
  CHECK(mailbox.WaitAndTakeAll(std::nullopt) == std::vector{1});
}

TEST_CASE("a mailbox gives nothing when the deadline has passed") {
  Mailbox<int> mailbox;
  CHECK(mailbox.WaitAndTakeAll(Clock::now()).empty());
  CHECK(mailbox.WaitAndTakeAll(Clock::now() + std::chrono::milliseconds(2)).empty());
}

TEST_CASE("a wake-up before the wait ends it, once") {
  Mailbox<int> mailbox;
  mailbox.Wake();
  CHECK(mailbox.WaitAndTakeAll(std::nullopt).empty());
  // Had the wake-up stayed, this would not last until its deadline.
  const auto deadline = Clock::now() + std::chrono::milliseconds(2);
  CHECK(mailbox.WaitAndTakeAll(deadline).empty());
  CHECK(Clock::now() >= deadline);
}

TEST_CASE("a wake-up or a command ends the wait of another thread") {
  for (const bool with_command : {false, true}) {
    for (int round = 0; round < 200; round++) {
      Mailbox<int> mailbox;
      Gate started;
      std::vector<int> taken;
      std::thread consumer([&] {
        started.Open();
        taken = mailbox.WaitAndTakeAll(std::nullopt);
      });
      started.Wait();
      if (with_command) {
        mailbox.Push(9);
      } else {
        mailbox.Wake();
      }
      consumer.join();
      CHECK(taken.size() == (with_command ? 1u : 0u));
    }
  }
}

TEST_CASE("many producers lose nothing and each keeps its order") {
  constexpr int kProducers = 4;
  constexpr int kEach = 5000;
  struct Command {
    int producer;
    int number;
  };
  Mailbox<Command> mailbox;
  Gate start;
  std::vector<std::thread> producers;
  for (int producer = 0; producer < kProducers; producer++) {
    producers.emplace_back([&, producer] {
      start.Wait();
      for (int number = 0; number < kEach; number++) mailbox.Push({producer, number});
    });
  }
  start.Open();
  std::vector<int> next(kProducers, 0);
  bool in_order = true;
  for (int received = 0; received < kProducers * kEach;) {
    for (const auto& command : mailbox.WaitAndTakeAll(std::nullopt)) {
      in_order = in_order && command.number == next[static_cast<size_t>(command.producer)]++;
      received++;
    }
  }
  for (auto& producer : producers) producer.join();
  CHECK(in_order);
  CHECK(next == std::vector<int>(kProducers, kEach));
  CHECK(mailbox.TakeAll().empty());
}
