#include "engine/call_sites.h"

#include <v8-unwinder.h>

#include <algorithm>
#include <utility>

namespace codecell::engine {
namespace {

void OnCollected(v8::Isolate*, v8::GCType, v8::GCCallbackFlags, void* seen) {
  *static_cast<bool*>(seen) = true;
}

}  // namespace

CallSites::Collections::Collections(v8::Isolate* isolate) : isolate(isolate) {
  isolate->AddGCEpilogueCallback(OnCollected, &seen, v8::kGCTypeMarkSweepCompact);
}

CallSites::Collections::~Collections() { isolate->RemoveGCEpilogueCallback(OnCollected, &seen); }

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
  if (!collections_) collections_ = std::make_unique<Collections>(isolate);
  if (std::exchange(collections_->seen, false)) known_.clear();
  Key key;
  const bool readable = ReadStack(isolate, &key);
  if (readable) {
    const auto found = known_.find(key);
    if (found != known_.end()) return found->second;
  }
  auto site = std::make_shared<const v8::Global<v8::StackTrace>>(
      isolate, v8::StackTrace::CurrentStackTrace(isolate, frames, v8::StackTrace::kDetailed));
  // Capturing allocates, and may have collected garbage itself.
  if (!readable || collections_->seen) return site;
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

}  // namespace codecell::engine
