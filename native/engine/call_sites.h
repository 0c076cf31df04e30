// CallSites: where script called into us, cheaply. A stack trace costs more than the rest of a nested call,
// and scripts call from the same few places again and again, so each place is captured once.
//
// A place is told by the return addresses on the stack, as V8's own profiler reads them. Code and bytecode
// move and go only while V8 marks and compacts, after which all places are captured anew. [isolate]
#pragma once

#include <v8.h>

#include <array>
#include <cstddef>
#include <memory>
#include <unordered_map>

namespace codecell::engine {

// A captured place; shared by the calls made from it. Goes before its isolate does.
using CallSite = std::shared_ptr<const v8::Global<v8::StackTrace>>;

class CallSites {
 public:
  // Script calls, and is on the stack. The trace has up to `frames` frames, the innermost first.
  CallSite Current(v8::Isolate* isolate, int frames);

 private:
  // A stack deeper than this is captured each time: its outer frames are not looked at.
  static constexpr size_t kDeepest = 24;
  // Scripts that call from more places have most of them captured again.
  static constexpr size_t kMostKnown = 512;

  struct Key {
    size_t count = 0;
    std::array<void*, kDeepest> addresses{};
    bool operator==(const Key& other) const;
  };
  struct Hash {
    size_t operator()(const Key& key) const;
  };

  static bool ReadStack(v8::Isolate* isolate, Key* key);
  // Notes that V8 collected garbage: what the known addresses meant is not so any more. Stays where it is
  // when its owner is moved, and is off V8's list before it goes.
  struct Collections {
    explicit Collections(v8::Isolate* isolate);
    ~Collections();
    Collections(const Collections&) = delete;
    Collections& operator=(const Collections&) = delete;

    v8::Isolate* const isolate;
    bool seen = false;
  };

  std::unordered_map<Key, CallSite, Hash> known_;
  std::unique_ptr<Collections> collections_;
};

}  // namespace codecell::engine
