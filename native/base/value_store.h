// ValueStore: a session's stored values, shared by its cells.
//
// Every key keeps its committed versions; a cell reads at the version that was current when it started, so
// taking a snapshot costs nothing whatever the number and size of the values. Versions that no snapshot can
// see any more are dropped when the key is written again. Owned jointly by the session and its cells. [any]
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "base/text.h"

namespace codecell::base {

class ValueStore : public std::enable_shared_from_this<ValueStore> {
 public:
  using Value = std::shared_ptr<const Text>;
  using Writes = std::vector<std::pair<std::string, Value>>;

  // What values beyond the first thousand count besides their keys and texts: about what keeping one takes.
  static constexpr size_t Overhead(size_t values) { return values > 1000 ? (values - 1000) * 128 : 0; }

  // What a cell sees: the values committed before it was made.
  class Snapshot {
   public:
    explicit Snapshot(std::shared_ptr<ValueStore> store);
    ~Snapshot();
    Snapshot(const Snapshot&) = delete;
    Snapshot& operator=(const Snapshot&) = delete;
    // Null when the key had no value.
    Value Get(const std::string& key) const;

   private:
    const std::shared_ptr<ValueStore> store_;
    const uint64_t version_;
  };

  struct Change {
    std::string key;
    Value value;
    // The commit that wrote it.
    uint64_t version;
  };
  struct Changes {
    uint64_t version;
    std::vector<Change> changes;
  };

  // Makes the writes visible to later snapshots, all at once; the last commit of a key wins. Gives the number
  // of the commit, or that of the last one when there is nothing to write.
  uint64_t Commit(const Writes& writes) EXCLUDES(mutex_);
  // The newest value of each key that was written after the commit `version`, in the order of the keys' first
  // commits, and the number of the last commit. Costs what has changed, not what is stored.
  Changes ChangesSince(uint64_t version) const EXCLUDES(mutex_);
  // The newest committed values, keys in the order of their first commit.
  Writes Entries() const EXCLUDES(mutex_);
  // Keys and newest values together, without Overhead.
  size_t CommittedBytes() const EXCLUDES(mutex_);
  size_t CommittedValues() const EXCLUDES(mutex_);

 private:
  struct Version {
    uint64_t number;
    Value value;
  };
  struct Key {
    uint64_t order;
    std::vector<Version> versions;
  };
  using Entry = std::pair<const std::string, Key>;

  uint64_t Open() EXCLUDES(mutex_);
  void Close(uint64_t version) EXCLUDES(mutex_);
  Value GetAt(const std::string& key, uint64_t version) const EXCLUDES(mutex_);

  mutable Mutex mutex_;
  std::unordered_map<std::string, Key> keys_ GUARDED_BY(mutex_);
  // The entries of keys_ by their newest version and their order.
  std::map<std::pair<uint64_t, uint64_t>, const Entry*> by_change_ GUARDED_BY(mutex_);
  std::multiset<uint64_t> open_ GUARDED_BY(mutex_);
  uint64_t version_ GUARDED_BY(mutex_) = 0;
  size_t bytes_ GUARDED_BY(mutex_) = 0;
};

}  // namespace codecell::base
