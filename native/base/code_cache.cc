#include "base/code_cache.h"

#include <algorithm>
#include <functional>
#include <string_view>
#include <utility>

namespace codecell::base {
namespace {

size_t Hash(const Text& text) {
  return text.is_latin1() ? std::hash<std::string_view>{}(text.latin1())
                          : std::hash<std::u16string_view>{}(text.utf16());
}

}  // namespace

CodeCache::Found CodeCache::Find(const Text& source) {
  if (source.bytes() > kMostSourceBytes) return {};
  const size_t hash = Hash(source);
  MutexLock lock(mutex_);
  const auto entry = At(hash, source);
  if (entry != entries_.end()) {
    std::rotate(entry, entry + 1, entries_.end());
    return {entries_.back().code, false};
  }
  size_t& seen = seen_[hash % seen_.size()];
  return {nullptr, std::exchange(seen, hash) == hash};
}

void CodeCache::Keep(const Text& source, std::vector<uint8_t> code) {
  if (source.bytes() + code.size() > kMostBytes) return;
  const size_t hash = Hash(source);
  MutexLock lock(mutex_);
  // Another cell with the same source was faster.
  if (At(hash, source) != entries_.end()) return;
  entries_.push_back({hash, source, std::make_shared<const std::vector<uint8_t>>(std::move(code))});
  bytes_ += entries_.back().bytes();
  while (bytes_ > kMostBytes || entries_.size() > kMostSources) {
    bytes_ -= entries_.front().bytes();
    entries_.erase(entries_.begin());
  }
}

void CodeCache::Drop(const Text& source) {
  const size_t hash = Hash(source);
  MutexLock lock(mutex_);
  const auto entry = At(hash, source);
  if (entry == entries_.end()) return;
  bytes_ -= entry->bytes();
  entries_.erase(entry);
}

size_t CodeCache::sources() const {
  MutexLock lock(mutex_);
  return entries_.size();
}

CodeCache::Entries::iterator CodeCache::At(size_t hash, const Text& source) {
  return std::find_if(entries_.begin(), entries_.end(),
                      [&](const Entry& entry) { return entry.hash == hash && entry.source == source; });
}

}  // namespace codecell::base
