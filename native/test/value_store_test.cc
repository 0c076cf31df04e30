#include "base/value_store.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "gate.h"

using codecell::base::Text;
using codecell::base::ValueStore;
using codecell::test::Gate;

namespace {

ValueStore::Value Json(std::string text) {
  return std::make_shared<const Text>(Text::Latin1(std::move(text)));
}

std::string Read(const ValueStore::Snapshot& snapshot, const std::string& key) {
  const auto value = snapshot.Get(key);
  return value ? value->latin1() : "(none)";
}

}  // namespace

TEST_CASE(
    "changes since a commit are the newest values of the keys written after it, in order of first commit") {
  const auto store = std::make_shared<ValueStore>();
  CHECK(store->Commit({}) == 0);
  CHECK(store->ChangesSince(0).changes.empty());
  const uint64_t first = store->Commit({{"a", Json("1")}, {"b", Json("2")}});
  const uint64_t second = store->Commit({{"c", Json("3")}});
  const uint64_t third = store->Commit({{"a", Json("4")}});
  const auto all = store->ChangesSince(0);
  CHECK(all.version == third);
  REQUIRE(all.changes.size() == 3);
  CHECK(all.changes[0].key == "a");
  CHECK(all.changes[0].value->latin1() == "4");
  CHECK(all.changes[0].version == third);
  CHECK(all.changes[1].key == "b");
  CHECK(all.changes[1].version == first);
  CHECK(all.changes[2].key == "c");
  CHECK(all.changes[2].version == second);
  const auto last = store->ChangesSince(second);
  REQUIRE(last.changes.size() == 1);
  CHECK(last.changes[0].key == "a");
  CHECK(store->ChangesSince(third).changes.empty());
}

TEST_CASE("a snapshot sees what was committed before it and nothing later") {
  const auto store = std::make_shared<ValueStore>();
  const ValueStore::Snapshot before(store);
  store->Commit({{"a", Json("1")}});
  const ValueStore::Snapshot between(store);
  store->Commit({{"a", Json("2")}, {"b", Json("3")}});
  const ValueStore::Snapshot after(store);
  CHECK(Read(before, "a") == "(none)");
  CHECK(Read(between, "a") == "1");
  CHECK(Read(between, "b") == "(none)");
  CHECK(Read(after, "a") == "2");
  CHECK(Read(after, "b") == "3");
  CHECK(Read(after, "c") == "(none)");
}

TEST_CASE("an old snapshot keeps its view through many writes of one key") {
  const auto store = std::make_shared<ValueStore>();
  store->Commit({{"a", Json("first")}});
  const ValueStore::Snapshot snapshot(store);
  for (int i = 0; i < 100; i++) store->Commit({{"a", Json(std::to_string(i))}});
  CHECK(Read(snapshot, "a") == "first");
  CHECK(Read(ValueStore::Snapshot(store), "a") == "99");
}

TEST_CASE("values no snapshot can see are let go when their key is written again") {
  const auto store = std::make_shared<ValueStore>();
  auto value = Json("large");
  const std::weak_ptr<const Text> weak = value;
  store->Commit({{"a", std::move(value)}});
  {
    const ValueStore::Snapshot snapshot(store);
    store->Commit({{"a", Json("2")}});
    CHECK_FALSE(weak.expired());
  }
  store->Commit({{"a", Json("3")}});
  CHECK(weak.expired());
}

TEST_CASE("the last write of a key in one commit wins") {
  const auto store = std::make_shared<ValueStore>();
  store->Commit({{"a", Json("1")}, {"a", Json("22")}});
  CHECK(Read(ValueStore::Snapshot(store), "a") == "22");
  CHECK(store->CommittedBytes() == 1 + 2);
}

TEST_CASE("entries come in the order of their first commit with their newest values") {
  const auto store = std::make_shared<ValueStore>();
  store->Commit({{"z", Json("1")}, {"a", Json("2")}});
  store->Commit({{"m", Json("3")}, {"z", Json("4")}});
  std::string all;
  for (const auto& [key, value] : store->Entries()) all += key + "=" + value->latin1() + " ";
  CHECK(all == "z=4 a=2 m=3 ");
}

TEST_CASE("the byte count follows keys and newest values") {
  const auto store = std::make_shared<ValueStore>();
  CHECK(store->CommittedBytes() == 0);
  store->Commit({{"key", Json("12345")}});
  CHECK(store->CommittedBytes() == 8);
  store->Commit({{"key", Json("1")}});
  CHECK(store->CommittedBytes() == 4);
}

TEST_CASE("a commit is seen whole or not at all by snapshots taken while it happens") {
  const auto store = std::make_shared<ValueStore>();
  store->Commit({{"left", Json("0")}, {"right", Json("0")}});
  constexpr int kRounds = 2000;
  Gate start;
  std::thread writer([&] {
    start.Wait();
    for (int i = 1; i <= kRounds; i++) {
      store->Commit({{"left", Json(std::to_string(i))}, {"right", Json(std::to_string(i))}});
    }
  });
  std::vector<std::thread> readers;
  std::vector<int> torn(2, 0);
  for (auto& count : torn) {
    readers.emplace_back([&] {
      start.Wait();
      for (int i = 0; i < kRounds; i++) {
        const ValueStore::Snapshot snapshot(store);
        if (Read(snapshot, "left") != Read(snapshot, "right")) count++;
      }
    });
  }
  start.Open();
  writer.join();
  for (auto& reader : readers) reader.join();
  CHECK(torn == std::vector<int>(2, 0));
  CHECK(Read(ValueStore::Snapshot(store), "left") == std::to_string(kRounds));
}
