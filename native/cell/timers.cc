#include "cell/timers.h"

#include <chrono>
#include <cmath>

#include "cell/errors.h"
#include "cell/runtime.h"
#include "engine/values.h"

namespace codecell::cell {

using base::Clock;

void Timers::SetTimeout(Scope& scope, const v8::FunctionCallbackInfo<v8::Value>& info) {
  if (!info[0]->IsFunction()) return ThrowHelperError(scope, "setTimeout expects a function callback");
  double delay_ms = 0;
  {
    v8::TryCatch caught(scope.isolate);
    if (!info[1]->NumberValue(scope.context).To(&delay_ms)) return RethrowAsHelperError(scope, caught);
  }
  delay_ms = std::isfinite(delay_ms) && delay_ms > 0 ? std::trunc(delay_ms) : 0;
  // Longer than any process lives; keeps the clock from overflowing.
  constexpr double kLongestMs = 1e12;
  const auto delay = std::chrono::duration_cast<Clock::duration>(
      std::chrono::duration<double, std::milli>(std::min(delay_ms, kLongestMs)));
  if (!scope.runtime.CountNativeState()) return;
  Timers& timers = scope.runtime.timers;
  const uint64_t id = timers.next_id_++;
  const base::TimePoint due = Clock::now() + delay;
  timers.order_.emplace(due, id);
  timers.timers_.emplace(id, Timer{due, v8::Global<v8::Function>(scope.isolate, info[0].As<v8::Function>())});
  info.GetReturnValue().Set(static_cast<double>(id));
}

void Timers::ClearTimeout(Scope& scope, const v8::FunctionCallbackInfo<v8::Value>& info) {
  double id = 0;
  {
    v8::TryCatch caught(scope.isolate);
    if (!info[0]->NumberValue(scope.context).To(&id)) {
      if (caught.HasTerminated() || scope.runtime.stopping()) {
        caught.ReThrow();
        return;
      }
      caught.Reset();
      ThrowHelperError(scope, "clearTimeout expects a numeric timeout id");
      caught.ReThrow();
      return;
    }
  }
  if (!(id >= 1 && id < 9e15)) return;
  Timers& timers = scope.runtime.timers;
  const auto found = timers.timers_.find(static_cast<uint64_t>(id));
  if (found == timers.timers_.end()) return;
  timers.order_.erase({found->second.due, found->first});
  timers.timers_.erase(found);
}

std::optional<base::TimePoint> Timers::NextDue() const {
  if (order_.empty()) return std::nullopt;
  return order_.begin()->first;
}

v8::MaybeLocal<v8::Function> Timers::TakeDue(v8::Isolate* isolate, base::TimePoint now) {
  if (order_.empty() || order_.begin()->first > now) return {};
  const auto found = timers_.find(order_.begin()->second);
  const v8::Local<v8::Function> callback = found->second.callback.Get(isolate);
  order_.erase(order_.begin());
  timers_.erase(found);
  return callback;
}

void Timers::Clear() {
  order_.clear();
  timers_.clear();
}

}  // namespace codecell::cell
