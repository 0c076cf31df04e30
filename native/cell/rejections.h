// Rejections: promises that were rejected while nobody listened. They do not fail a cell; the outcome lists
// them so that they do not vanish. [isolate]
#pragma once

#include <v8.h>

#include <unordered_map>
#include <vector>

#include "cell/events.h"

namespace codecell::cell {

struct Scope;

class Rejections {
 public:
  // V8's callback for promises rejected without a handler, or handled after that.
  static void OnReject(v8::PromiseRejectMessage message);

  // What is still unhandled, as diagnostics, without running any of the script's code.
  void Report(Scope& scope, v8::Local<v8::Promise> main, End& end);
  void Clear();

 private:
  struct Entry {
    uint64_t order;
    v8::Global<v8::Promise> promise;
  };

  // By identity hash.
  std::unordered_multimap<int, Entry> entries_;
  uint64_t next_order_ = 0;
  // Those that were not kept one by one.
  uint64_t uncounted_ = 0;
};

}  // namespace codecell::cell
