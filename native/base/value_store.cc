#include "base/value_store.h"

#include <algorithm>

namespace codecell::base {

ValueStore::Snapshot::Snapshot(std::shared_ptr<ValueStore> store)
    : store_(std::move(store)), version_(store_->Open()) {}

ValueStore::Snapshot::~Snapshot() { store_->Close(version_); }

ValueStore::Value ValueStore::Snapshot::Get(const std::string& key) const {
  return store_->GetAt(key, version_);
}

uint64_t ValueStore::Open() {
  MutexLock lock(mutex_);
  open_.insert(version_);
  return version_;
}

void ValueStore::Close(uint64_t version) {
  MutexLock lock(mutex_);
  open_.erase(open_.find(version));
}

ValueStore::Value ValueStore::GetAt(const std::string& key, uint64_t version) const {
  MutexLock lock(mutex_);
  const auto found = keys_.find(key);
  if (found == keys_.end()) return nullptr;
  const auto& versions = found->second.versions;
  const auto newest =
      std::find_if(versions.rbegin(), versions.rend(), [&](const Version& v) { return v.number <= version; });
  return newest == versions.rend() ? nullptr : newest->value;
}

uint64_t ValueStore::Commit(const Writes& writes) {
  MutexLock lock(mutex_);
  if (writes.empty()) return version_;
  version_++;
  // At most once per commit, however many keys are new.
  if (writes.size() > 1000) keys_.reserve(keys_.size() + writes.size());
  const uint64_t oldest_needed = open_.empty() ? version_ : *open_.begin();
  for (const auto& [name, value] : writes) {
    const auto [entry, is_new] = keys_.try_emplace(name, Key{keys_.size(), {}});
    auto& versions = entry->second.versions;
    bytes_ += (is_new ? name.size() : 0) + value->bytes();
    if (!versions.empty()) {
      bytes_ -= versions.back().value->bytes();
      by_change_.erase({versions.back().number, entry->second.order});
    }
    if (!versions.empty() && versions.back().number == version_) versions.pop_back();
    versions.push_back({version_, value});
    by_change_[{version_, entry->second.order}] = &*entry;
    // The newest version at or below the oldest snapshot stays; what lies before it cannot be seen.
    auto keep = versions.begin();
    while (keep + 1 != versions.end() && (keep + 1)->number <= oldest_needed) ++keep;
    versions.erase(versions.begin(), keep);
  }
  return version_;
}

ValueStore::Changes ValueStore::ChangesSince(uint64_t version) const {
  std::vector<const Entry*> changed;
  Changes result;
  MutexLock lock(mutex_);
  result.version = version_;
  for (auto it = by_change_.lower_bound({version + 1, 0}); it != by_change_.end(); ++it)
    changed.push_back(it->second);
  std::sort(changed.begin(), changed.end(),
            [](const Entry* a, const Entry* b) { return a->second.order < b->second.order; });
  result.changes.reserve(changed.size());
  for (const Entry* entry : changed) {
    const Version& newest = entry->second.versions.back();
    result.changes.push_back({entry->first, newest.value, newest.number});
  }
  return result;
}

ValueStore::Writes ValueStore::Entries() const {
  std::vector<std::pair<uint64_t, std::pair<std::string, Value>>> ordered;
  {
    MutexLock lock(mutex_);
    ordered.reserve(keys_.size());
    for (const auto& [name, key] : keys_) ordered.push_back({key.order, {name, key.versions.back().value}});
  }
  std::sort(ordered.begin(), ordered.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  Writes entries;
  entries.reserve(ordered.size());
  for (auto& [order, entry] : ordered) entries.push_back(std::move(entry));
  return entries;
}

size_t ValueStore::CommittedValues() const {
  MutexLock lock(mutex_);
  return keys_.size();
}

size_t ValueStore::CommittedBytes() const {
  MutexLock lock(mutex_);
  return bytes_;
}

}  // namespace codecell::base
