// Stored values under any sequence of commits and snapshots, against a model that copies everything.
#include <algorithm>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "base/value_store.h"
#include "fuzz/reader.h"

namespace {

using codecell::base::Text;
using codecell::base::ValueStore;

struct Model {
  std::map<std::string, std::string> values;
  std::vector<std::string> order;
};

struct Reading {
  std::unique_ptr<ValueStore::Snapshot> snapshot;
  std::map<std::string, std::string> values;
};

void CheckSnapshot(const Reading& reading, const Model& model) {
  for (const auto& name : model.order) {
    const auto seen = reading.snapshot->Get(name);
    const auto expected = reading.values.find(name);
    PROPERTY((seen != nullptr) == (expected != reading.values.end()));
    if (seen) PROPERTY(seen->latin1() == expected->second);
  }
}

void CheckCommitted(const ValueStore& store, const Model& model) {
  const auto entries = store.Entries();
  PROPERTY(entries.size() == model.order.size());
  size_t bytes = 0;
  for (size_t i = 0; i < entries.size(); i++) {
    PROPERTY(entries[i].first == model.order[i]);
    PROPERTY(entries[i].second->latin1() == model.values.at(model.order[i]));
    bytes += entries[i].first.size() + entries[i].second->bytes();
  }
  PROPERTY(store.CommittedBytes() == bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  codecell::fuzz::Reader input(data, size);
  const auto store = std::make_shared<ValueStore>();
  Model model;
  std::vector<Reading> readings;
  while (!input.empty()) {
    switch (input.Byte() % 4) {
      case 0: {
        ValueStore::Writes writes;
        for (size_t count = input.Byte() % 5; count > 0; count--) {
          const std::string name = input.String(3);
          const std::string value = input.String(8);
          writes.emplace_back(name, std::make_shared<const Text>(Text::Latin1(value)));
          if (model.values.insert_or_assign(name, value).second) model.order.push_back(name);
        }
        store->Commit(writes);
        break;
      }
      case 1:
        if (readings.size() < 8) {
          readings.push_back({std::make_unique<ValueStore::Snapshot>(store), model.values});
        }
        break;
      case 2:
        if (!readings.empty()) {
          readings.erase(readings.begin() + static_cast<ptrdiff_t>(input.Byte() % readings.size()));
        }
        break;
      default:
        for (const auto& reading : readings) CheckSnapshot(reading, model);
        CheckCommitted(*store, model);
    }
  }
  for (const auto& reading : readings) CheckSnapshot(reading, model);
  CheckCommitted(*store, model);
  return 0;
}
