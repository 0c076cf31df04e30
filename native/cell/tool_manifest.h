// ToolManifest: the tools of a session as its cells see them. Immutable, shared by all of them. [any]
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/text.h"

namespace codecell::cell {

struct ToolEntry {
  std::string global_name;  // ASCII identifier
  base::Text description;
  std::string name_space;  // UTF-8; empty when there is none
  std::string short_name;  // ASCII identifier
};

class ToolManifest {
 public:
  explicit ToolManifest(std::vector<ToolEntry> entries) : entries_(std::move(entries)) {
    for (size_t i = 0; i < entries_.size(); i++) by_name_[entries_[i].global_name] = i;
  }
  ToolManifest(const ToolManifest&) = delete;
  ToolManifest& operator=(const ToolManifest&) = delete;

  const std::vector<ToolEntry>& entries() const { return entries_; }
  // The index of the tool that `tools.<name>` calls: the last one of that name. -1 when there is none.
  int Find(std::string_view name) const {
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? -1 : static_cast<int>(found->second);
  }

 private:
  const std::vector<ToolEntry> entries_;
  std::unordered_map<std::string_view, size_t> by_name_;
};

}  // namespace codecell::cell
