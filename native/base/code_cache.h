// CodeCache: V8's compiled code of sources that a service runs again and again. It is made before a script
// runs, so nothing that a script does gets into it, and it never comes from outside. [any]
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/mutex.h"
#include "base/text.h"
#include "base/units.h"

namespace codecell::base {

class CodeCache {
 public:
  using Code = std::shared_ptr<const std::vector<uint8_t>>;

  // Longer sources are compiled every time.
  static constexpr size_t kMostSourceBytes = 256 * kKilobyte;
  // Sources and code together; what was used longest ago goes first.
  static constexpr size_t kMostBytes = 8 * kMegabyte;
  static constexpr size_t kMostSources = 128;

  struct Found {
    // Null when there is none.
    Code code;
    // The source was seen before: its code should be kept. Most sources are seen once.
    bool wanted = false;
  };
  Found Find(const Text& source) EXCLUDES(mutex_);
  void Keep(const Text& source, std::vector<uint8_t> code) EXCLUDES(mutex_);
  // V8 refused the code: its flags have changed.
  void Drop(const Text& source) EXCLUDES(mutex_);
  // How many sources have code.
  size_t sources() const EXCLUDES(mutex_);

 private:
  struct Entry {
    size_t hash;
    Text source;
    Code code;
    size_t bytes() const { return source.bytes() + code->size(); }
  };
  using Entries = std::vector<Entry>;

  Entries::iterator At(size_t hash, const Text& source) REQUIRES(mutex_);

  mutable Mutex mutex_;
  // The one used last is last.
  Entries entries_ GUARDED_BY(mutex_);
  size_t bytes_ GUARDED_BY(mutex_) = 0;
  // Hashes of sources seen lately, each in the place that its hash says.
  std::array<size_t, 1024> seen_ GUARDED_BY(mutex_) = {};
};

}  // namespace codecell::base
