// Timers of one cell: setTimeout and clearTimeout. No thread; the cell's event loop asks what is due.
// [isolate]
#pragma once

#include <v8.h>

#include <cstdint>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>

#include "base/mutex.h"

namespace codecell::cell {

struct Scope;

class Timers {
 public:
  static void SetTimeout(Scope& scope, const v8::FunctionCallbackInfo<v8::Value>& info);
  static void ClearTimeout(Scope& scope, const v8::FunctionCallbackInfo<v8::Value>& info);

  bool empty() const { return order_.empty(); }
  size_t size() const { return order_.size(); }
  std::optional<base::TimePoint> NextDue() const;
  // The callback of the first timer due by `now`, taken out; empty when none is.
  v8::MaybeLocal<v8::Function> TakeDue(v8::Isolate* isolate, base::TimePoint now);
  void Clear();

 private:
  struct Timer {
    base::TimePoint due;
    v8::Global<v8::Function> callback;
  };

  // By time, then by age: equal delays fire in order. Ids count from 1 and are not used again.
  std::set<std::pair<base::TimePoint, uint64_t>> order_;
  std::unordered_map<uint64_t, Timer> timers_;
  uint64_t next_id_ = 1;
};

}  // namespace codecell::cell
