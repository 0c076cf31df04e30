#include "engine/call_sites.h"

#include <v8-unwinder.h>

#include <algorithm>
#include <utility>

namespace codecell::engine {

bool CallSites::Key::operator==(const Key& other) const {
  return count == other.count &&
         std::equal(addresses.begin(), addresses.begin() + static_cast<std::ptrdiff_t>(count),
                    other.addresses.begin());
}

size_t CallSites::Hash::operator()(const Key& key) const {
  // FNV-1a, a word at a time.
  uint64_t hash = 14695981039346656037u;
  for (size_t i = 0; i < key.count; i++) {
    hash = (hash ^ reinterpret_cast<uintptr_t>(key.addresses[i])) * 1099511628211u;
  }
  return static_cast<size_t>(hash ^ (hash >> 32));
}

CallSite CallSites::Current(v8::Isolate* isolate, int frames) {
  if (!outdated_) {
    outdated_ = std::make_unique<bool>(false);
    isolate->AddGCEpilogueCallback(OnCollected, outdated_.get(), v8::kGCTypeMarkSweepCompact);
  }
  if (std::exchange(*outdated_, false)) known_.clear();
  Key key;
  const bool readable = ReadStack(isolate, &key);
  if (readable) {
    const auto found = known_.find(key);
    if (found != known_.end()) return found->second;
  }
  auto site = std::make_shared<const v8::Global<v8::StackTrace>>(
      isolate, v8::StackTrace::CurrentStackTrace(isolate, frames, v8::StackTrace::kDetailed));
  // Capturing allocates, and may have collected garbage itself.
  if (!readable || *outdated_) return site;
  if (known_.size() >= kMostKnown) known_.clear();
  known_.emplace(key, site);
  return site;
}

// False when V8 does not say enough to tell two places apart.
bool CallSites::ReadStack(v8::Isolate* isolate, Key* key) {
  // V8 knows where its own frames begin; it wants to know where the stack ends.
  v8::RegisterState state;
  state.pc = reinterpret_cast<void*>(&CallSites::ReadStack);
  state.sp = state.fp = &state;
  v8::SampleInfo sample;
  isolate->GetStackSample(state, key->addresses.data(), kDeepest, &sample);
  key->count = std::min<size_t>(sample.frames_count, kDeepest);
  return key->count > 0 && key->count < kDeepest;
}

void CallSites::OnCollected(v8::Isolate*, v8::GCType, v8::GCCallbackFlags, void* data) {
  *static_cast<bool*>(data) = true;
}

}  // namespace codecell::engine
