#include "cell/rejections.h"

#include <algorithm>
#include <string>

#include "cell/errors.h"
#include "cell/runtime.h"

namespace codecell::cell {

namespace {
// Beyond these a rejection is only counted.
constexpr size_t kKept = 1000;
constexpr size_t kReported = 20;
}  // namespace

void Rejections::OnReject(v8::PromiseRejectMessage message) {
  const v8::Local<v8::Promise> promise = message.GetPromise();
  v8::Isolate* const isolate = v8::Isolate::GetCurrent();
  Rejections& self = Runtime::Of(isolate).rejections;
  const int hash = promise->GetIdentityHash();
  if (message.GetEvent() == v8::kPromiseRejectWithNoHandler) {
    if (self.entries_.size() >= kKept) {
      self.uncounted_++;
      return;
    }
    self.entries_.emplace(hash, Entry{self.next_order_++, v8::Global<v8::Promise>(isolate, promise)});
  } else if (message.GetEvent() == v8::kPromiseHandlerAddedAfterReject) {
    const auto [begin, end] = self.entries_.equal_range(hash);
    for (auto entry = begin; entry != end; ++entry) {
      if (entry->second.promise == promise) {
        self.entries_.erase(entry);
        return;
      }
    }
    if (self.uncounted_ > 0) self.uncounted_--;
  }
}

void Rejections::Report(Scope& scope, v8::Local<v8::Promise> main, End& end) {
  std::vector<const Entry*> ordered;
  for (const auto& [hash, entry] : entries_) {
    if (main.IsEmpty() || entry.promise != main) ordered.push_back(&entry);
  }
  std::sort(ordered.begin(), ordered.end(),
            [](const Entry* a, const Entry* b) { return a->order < b->order; });
  const size_t shown = std::min(ordered.size(), kReported);
  for (size_t i = 0; i < shown; i++) {
    v8::HandleScope handles(scope.isolate);
    const v8::Local<v8::Value> reason = ordered[i]->promise.Get(scope.isolate)->Result();
    end.diagnostics.emplace_back(
        IsToolError(scope, reason) ? "UNAWAITED_TOOL_FAILURE" : "UNHANDLED_REJECTION",
        DescribeQuietly(scope, reason));
  }
  const uint64_t more = ordered.size() - shown + uncounted_;
  if (more > 0) {
    end.diagnostics.emplace_back("UNHANDLED_REJECTION",
                                 base::Text::Latin1(std::to_string(more) + " more unhandled rejections"));
  }
}

void Rejections::Clear() { entries_.clear(); }

}  // namespace codecell::cell
