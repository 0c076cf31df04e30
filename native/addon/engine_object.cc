#include "addon/engine_object.h"

#include <uv.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "addon/strings.h"
#include "base/units.h"
#include "base/value_store.h"
#include "cell/control.h"
#include "cell/events.h"
#include "engine/platform.h"
#include "pool/pool.h"

namespace codecell::addon {
namespace {

using cell::Control;

// The numbers that cross lie in one Float64Array of the engine, which both sides read and write where it is:
// a property that crosses through N-API costs as much as all of them. The layout is that of
// lib/native/engine.ts.
constexpr size_t kOptionNumbers = 16;
constexpr size_t kEventNumbers = 4;  // kind, cell and two of the event's own
constexpr size_t kEndNumbers = 9;    // how it ended, and the metrics
constexpr size_t kMostEvents = 512;
constexpr size_t kMostEnds = 64;
constexpr size_t kEventsFrom = kOptionNumbers;
constexpr size_t kEndsFrom = kEventsFrom + kEventNumbers * kMostEvents;
constexpr size_t kNumbers = kEndsFrom + kEndNumbers * kMostEnds;

// Of the options of a start, in `numbers_`.
enum class Option : uint8_t {
  kCodex,
  kRemoteImages,
  kHeapMb,
  kCpuMs,
  kWallMs,
  kIdleMs,
  kPauseWhileWaiting,
  kOutputBytes,
  kOutputItems,
  kToolCalls,
  kToolInputBytes,
  kStoredBytes,
};

// Owns the pool, the outbox and the wake-up handle of one service. Lives until its handle is closed, which
// happens on close() or when the environment ends, whichever is first.
class EngineObject : public std::enable_shared_from_this<EngineObject> {
 public:
  // Null, with a JavaScript exception pending, when there is no platform to run on.
  static std::shared_ptr<EngineObject> Create(Napi::Env env, const Napi::Object& options,
                                              const Napi::Function& on_events);

  Napi::Object MakeInterface(Napi::Env env);

 private:
  explicit EngineObject(Napi::Env env, const Napi::Function& on_events)
      : env_(env), on_events_(Napi::Persistent(on_events)), context_(env, "codecell") {}

  void Start(const Napi::CallbackInfo& info);
  void Resolve(const Napi::CallbackInfo& info);
  void Reject(const Napi::CallbackInfo& info);
  Napi::Value Stop(const Napi::CallbackInfo& info);
  Napi::Value Stats(const Napi::CallbackInfo& info);
  void Pause(bool paused);
  void Close();

  // One batch from the outbox to JavaScript.
  void Deliver();
  // Batches as long as answers bring the next one about at once.
  void DeliverAll();
  bool CallBack(size_t events, napi_value texts);
  // Writes an event's numbers at `at` and appends its texts.
  void Append(double* at, std::vector<napi_value>& texts, const cell::Event& event);
  void AppendEnd(double* at, const cell::End& end);
  // What is there to say of an end beside its numbers; undefined when nothing is.
  Napi::Value EndDetails(const cell::End& end);
  double OptionOf(Option option) const { return numbers_[static_cast<size_t>(option)]; }
  size_t SizeOf(Option option) const { return static_cast<size_t>(OptionOf(option)); }

  // The environment is going away: stop all script now, while V8's platform is still there.
  void EndWithEnvironment();
  void CloseHandle();

  static void OnWake(uv_async_t* handle);

  const Napi::Env env_;
  Napi::FunctionReference on_events_;
  // The engine's Float64Array, kept by `numbers_holder_`.
  double* numbers_ = nullptr;
  Napi::Reference<Napi::Float64Array> numbers_holder_;
  Napi::AsyncContext context_;
  std::shared_ptr<cell::Outbox> outbox_;
  std::shared_ptr<pool::Pool> pool_;
  std::unordered_map<uint32_t, std::shared_ptr<Control>> cells_;
  // Taken from the outbox; delivered up to `next_event_`.
  std::vector<cell::Event> events_;
  size_t next_event_ = 0;
  double quarantine_ms_ = 500;
  uv_async_t* wake_ = nullptr;
  std::shared_ptr<EngineObject> keep_;  // while the handle is open
  bool closed_ = false;
  // Events stay in the outbox, and cells that produce more of them wait there.
  bool paused_ = false;
  bool answered_ = false;
  int skip_look_outs_ = 0;
  bool ending_ = false;
  napi_async_cleanup_hook_handle cleanup_ = nullptr;
};

// What the end of the environment has to deal with. A closed engine may be gone while its threads, which hold
// the pool, are still disposing isolates.
struct Held {
  std::weak_ptr<EngineObject> engine;
  std::weak_ptr<pool::Pool> pool;
  bool main_thread;
};

// The code that Node is about to end the process with; nothing before its 'exit' event.
std::optional<int> exit_code;

// Ends the process where it stands. V8 aborts when it is taken down with isolates left, and those of threads
// that were given up cannot be disposed. By now Node has run its 'exit' event and written what it had to
// write.
void EndProcess() {
  if (!exit_code) return;
  (void)std::fflush(stdout);
  (void)std::fflush(stderr);
  std::_Exit(*exit_code);
}

// A script often makes its next call within microseconds of an answer. The host thread looks out that long
// before it goes back to its event loop, where falling asleep and being woken would cost more; but it never
// keeps the loop from its other work for longer than the second time.
constexpr auto kLookOut = std::chrono::microseconds(20);
constexpr auto kDeliverAtMost = std::chrono::microseconds(500);
// How long events are handed over in one turn of the event loop; what is left waits for the next one.
constexpr auto kTurnAtMost = std::chrono::milliseconds(4);
// After a look-out in vain so many are left out: slow tools and busy machines do not profit from them.
constexpr int kSkipAfterMiss = 16;

double ReadNumber(const Napi::Object& object, const char* key) {
  return object.Get(key).ToNumber().DoubleValue();
}
size_t ReadSize(const Napi::Object& object, const char* key) {
  return static_cast<size_t>(ReadNumber(object, key));
}
uint32_t ReadIndex(const Napi::Value& value) { return value.As<Napi::Number>().Uint32Value(); }

size_t ReadMegabytes(const Napi::Object& object, const char* key) {
  return static_cast<size_t>(ReadNumber(object, key) * base::kMegabyte);
}

template <typename T>
std::shared_ptr<T> ReadHandle(const Napi::Value& handle) {
  return *handle.As<Napi::External<std::shared_ptr<T>>>().Data();
}

std::shared_ptr<EngineObject> EngineObject::Create(Napi::Env env, const Napi::Object& options,
                                                   const Napi::Function& on_events) {
  if (!options.Get("loopUnrolling").ToBoolean()) engine::SetProcessFlags();
  std::shared_ptr<engine::Platform> platform = engine::Platform::OfCurrentEnvironment();
  if (!platform) {
    Napi::Error::New(env, "no V8 platform: codecell runs inside Node.js and Electron only")
        .ThrowAsJavaScriptException();
    return nullptr;
  }
  uv_loop_t* loop = nullptr;
  auto handle = std::make_unique<uv_async_t>();
  if (napi_get_uv_event_loop(env, &loop) != napi_ok || uv_async_init(loop, handle.get(), OnWake) != 0) {
    Napi::Error::New(env, "the environment has no event loop").ThrowAsJavaScriptException();
    return nullptr;
  }
  std::shared_ptr<EngineObject> self(new EngineObject(env, on_events));
  self->wake_ = handle.release();
  self->wake_->data = self.get();
  self->keep_ = self;
  // Only live cells keep the process alive.
  uv_unref(reinterpret_cast<uv_handle_t*>(self->wake_));
  self->quarantine_ms_ = ReadNumber(options, "quarantineMs");
  Napi::Float64Array numbers = Napi::Float64Array::New(env, kNumbers);
  self->numbers_ = numbers.Data();
  self->numbers_holder_ = Napi::Persistent(numbers);
  self->outbox_ = std::make_shared<cell::Outbox>([wake = self->wake_] { uv_async_send(wake); });
  self->pool_ = std::make_shared<pool::Pool>(
      std::move(platform), pool::Options{.warm_isolates = ReadSize(options, "warmIsolates"),
                                         .max_cells = ReadSize(options, "maxCells"),
                                         .max_heap_bytes = ReadMegabytes(options, "maxHeapMb")});
  // Two ways out of an environment: process.exit() runs only the first hook, the end of a worker both.
  engine::BeforeEnvironmentEnds(
      [](void* data) {
        const std::unique_ptr<Held> held(static_cast<Held*>(data));
        if (const auto engine = held->engine.lock()) engine->EndWithEnvironment();
        const auto pool = held->pool.lock();
        if (!pool) return;
        pool->WaitForThreads();
        // Whatever is left has been given up, or V8 has parked it while it disposed an isolate.
        if (held->main_thread && pool->GetStats().threads > 0) EndProcess();
      },
      new Held{self, self->pool_, IsMainThread(env)});
  napi_add_async_cleanup_hook(
      env,
      [](napi_async_cleanup_hook_handle, void* data) {
        auto* const engine = static_cast<EngineObject*>(data);
        engine->EndWithEnvironment();
        engine->CloseHandle();
      },
      self.get(), &self->cleanup_);
  self->pool_->Start();
  return self;
}

Napi::Object EngineObject::MakeInterface(Napi::Env env) {
  const Napi::Object object = Napi::Object::New(env);
  const auto method = [&](const char* name, auto body) {
    object.Set(name, Napi::Function::New(
                         env,
                         [self = shared_from_this(), body](const Napi::CallbackInfo& info) -> Napi::Value {
                           if constexpr (std::is_void_v<decltype(body(*self, info))>) {
                             body(*self, info);
                             return info.Env().Undefined();
                           } else {
                             return body(*self, info);
                           }
                         },
                         name));
  };
  method("start", [](EngineObject& self, const Napi::CallbackInfo& info) { self.Start(info); });
  method("resolve", [](EngineObject& self, const Napi::CallbackInfo& info) { self.Resolve(info); });
  method("reject", [](EngineObject& self, const Napi::CallbackInfo& info) { self.Reject(info); });
  method("stop", [](EngineObject& self, const Napi::CallbackInfo& info) { return self.Stop(info); });
  method("stats", [](EngineObject& self, const Napi::CallbackInfo& info) { return self.Stats(info); });
  method("pause",
         [](EngineObject& self, const Napi::CallbackInfo& info) { self.Pause(info[0].ToBoolean()); });
  method("close", [](EngineObject& self, const Napi::CallbackInfo&) { self.Close(); });
  object.Set("numbers", numbers_holder_.Value());
  object.Freeze();
  return object;
}

void EngineObject::Start(const Napi::CallbackInfo& info) {
  if (closed_ || ending_) {
    Napi::Error::New(info.Env(), "the engine is closed").ThrowAsJavaScriptException();
    return;
  }
  const uint32_t id = ReadIndex(info[0]);
  cell::Options options;
  options.profile = OptionOf(Option::kCodex) != 0 ? cell::Profile::kCodex : cell::Profile::kDefault;
  options.remote_images = OptionOf(Option::kRemoteImages) != 0;
  options.quarantine_ms = quarantine_ms_;
  options.limits = {.heap_bytes = static_cast<size_t>(OptionOf(Option::kHeapMb) * base::kMegabyte),
                    .cpu_ms = OptionOf(Option::kCpuMs),
                    .wall_ms = OptionOf(Option::kWallMs),
                    .idle_ms = OptionOf(Option::kIdleMs),
                    .pause_while_waiting = OptionOf(Option::kPauseWhileWaiting) != 0,
                    .output_bytes = SizeOf(Option::kOutputBytes),
                    .output_items = SizeOf(Option::kOutputItems),
                    .tool_calls = SizeOf(Option::kToolCalls),
                    .tool_input_bytes = SizeOf(Option::kToolInputBytes),
                    .stored_bytes = SizeOf(Option::kStoredBytes)};
  auto control =
      std::make_shared<Control>(id, ReadText(info[1]), options, ReadHandle<const cell::ToolManifest>(info[2]),
                                ReadHandle<base::ValueStore>(info[3]), outbox_);
  if (cells_.empty()) uv_ref(reinterpret_cast<uv_handle_t*>(wake_));
  cells_.emplace(id, control);
  pool_->Submit(std::move(control));
}

void EngineObject::Resolve(const Napi::CallbackInfo& info) {
  const auto found = cells_.find(ReadIndex(info[0]));
  if (found == cells_.end()) return;
  answered_ = true;
  found->second->Answer({.call = ReadIndex(info[1]),
                         .ok = true,
                         .json = ReadText(info[2]),
                         .message = {},
                         .name = {},
                         .code = {},
                         .data_json = {}});
}

void EngineObject::Reject(const Napi::CallbackInfo& info) {
  const auto found = cells_.find(ReadIndex(info[0]));
  if (found == cells_.end()) return;
  found->second->Answer({.call = ReadIndex(info[1]),
                         .ok = false,
                         .json = {},
                         .message = ReadText(info[2]),
                         .name = ReadText(info[3]),
                         .code = ReadText(info[4]),
                         .data_json = ReadText(info[5])});
}

Napi::Value EngineObject::Stop(const Napi::CallbackInfo& info) {
  const auto found = cells_.find(ReadIndex(info[0]));
  if (found == cells_.end()) return Napi::Boolean::New(env_, false);
  cell::Verdict verdict{cell::Status::kTerminated, "", {}};
  if (info[1].IsString())
    verdict = {cell::Status::kFailed, info[1].As<Napi::String>().Utf8Value(), ReadText(info[2])};
  // Kept alive here: what is reported may take it off the list.
  const std::shared_ptr<Control> control = found->second;
  return Napi::Boolean::New(env_, pool_->Stop(control, std::move(verdict)));
}

Napi::Value EngineObject::Stats(const Napi::CallbackInfo&) {
  const pool::Stats stats = pool_->GetStats();
  const Napi::Object object = Napi::Object::New(env_);
  object.Set("warmIsolates", stats.warm_isolates);
  object.Set("liveCells", stats.live_cells);
  object.Set("queuedCells", stats.queued_cells);
  object.Set("threads", stats.threads);
  object.Set("quarantinedThreads", stats.quarantined_threads);
  object.Set("cachedSources", stats.cached_sources);
  return object;
}

void EngineObject::Pause(bool paused) {
  paused_ = paused;
  if (!paused && wake_ != nullptr) uv_async_send(wake_);
}

void EngineObject::Close() {
  if (closed_ || ending_) return;
  closed_ = true;
  pool_->Close();
  if (cells_.empty()) CloseHandle();
}

void EngineObject::OnWake(uv_async_t* handle) {
  auto* const self = static_cast<EngineObject*>(handle->data);
  const std::shared_ptr<EngineObject> alive = self->keep_;
  if (alive && !self->ending_) self->DeliverAll();
}

void EngineObject::DeliverAll() {
  const base::TimePoint end = base::Clock::now() + kDeliverAtMost;
  for (;;) {
    answered_ = false;
    Deliver();
    if (!answered_ || ending_ || wake_ == nullptr || next_event_ < events_.size()) return;
    if (skip_look_outs_ > 0) {
      skip_look_outs_--;
      return;
    }
    const base::TimePoint now = base::Clock::now();
    if (now >= end) return;
    if (!outbox_->LookOut(std::min(end, now + kLookOut))) {
      skip_look_outs_ = kSkipAfterMiss;
      return;
    }
  }
}

void EngineObject::Deliver() {
  if (paused_) return;
  const bool older = next_event_ < events_.size();
  if (!older) {
    events_ = outbox_->TakeAll();
    next_event_ = 0;
  }
  if (events_.empty()) return;
  const base::TimePoint until = base::Clock::now() + kTurnAtMost;
  std::vector<napi_value> texts;
  // A batch crosses in one call; a very long one is cut where the array for its numbers is full.
  while (next_event_ < events_.size()) {
    const Napi::HandleScope scope(env_);
    texts.clear();
    size_t count = 0;
    size_t ends = 0;
    for (; next_event_ < events_.size() && count < kMostEvents && ends < kMostEnds; next_event_++, count++) {
      const cell::Event& event = events_[next_event_];
      Append(numbers_ + kEventsFrom + count * kEventNumbers, texts, event);
      if (event.kind != cell::EventKind::kEnded) continue;
      AppendEnd(numbers_ + kEndsFrom + ends * kEndNumbers, *event.end);
      texts.push_back(EndDetails(*event.end));
      ends++;
      cells_.erase(event.cell);
      if (cells_.empty() && wake_ != nullptr) uv_unref(reinterpret_cast<uv_handle_t*>(wake_));
    }
    const Napi::Array list = Napi::Array::New(env_, texts.size());
    for (uint32_t i = 0; i < texts.size(); i++) napi_set_element(env_, list, i, texts[i]);
    if (!CallBack(count, list) || ending_) return;
    if (next_event_ < events_.size() && base::Clock::now() >= until) {
      // The loop's other work has its turn first.
      if (wake_ != nullptr) uv_async_send(wake_);
      return;
    }
  }
  events_.clear();
  next_event_ = 0;
  // What came meanwhile may have been signalled before this turn, which then had older events to hand over.
  if (older && wake_ != nullptr && outbox_->HasEvents()) uv_async_send(wake_);
  if (closed_ && cells_.empty()) CloseHandle();
}

// False when the environment runs no JavaScript any more. Node-API itself, because node-addon-api makes an
// exception of every failure, and a worker that is being terminated cannot take one.
bool EngineObject::CallBack(size_t events, napi_value texts) {
  napi_value ignored = nullptr;
  const napi_value arguments[] = {Napi::Number::New(env_, static_cast<double>(events)), texts};
  const napi_status status =
      napi_make_callback(env_, context_, env_.Global(), on_events_.Value(), 2, arguments, &ignored);
  if (status == napi_ok) return true;
  napi_value exception = nullptr;
  napi_valuetype type = napi_undefined;
  if (status != napi_pending_exception || napi_get_and_clear_last_exception(env_, &exception) != napi_ok ||
      napi_typeof(env_, exception, &type) != napi_ok || type != napi_object) {
    return false;
  }
  // The callback is written not to throw; if it does, Node reports it as any uncaught exception.
  napi_fatal_exception(env_, exception);
  return true;
}

void EngineObject::Append(double* at, std::vector<napi_value>& texts, const cell::Event& event) {
  at[0] = static_cast<double>(event.kind);
  at[1] = event.cell;
  switch (event.kind) {
    case cell::EventKind::kText:
    case cell::EventKind::kAudio:
    case cell::EventKind::kNotify:
      at[2] = static_cast<double>(event.utf8_bytes);
      texts.push_back(MakeString(env_, event.text));
      break;
    case cell::EventKind::kImage:
      at[2] = static_cast<double>(event.utf8_bytes);
      texts.push_back(MakeString(env_, event.text));
      texts.push_back(Napi::String::New(env_, event.detail));
      break;
    case cell::EventKind::kToolCall:
      at[2] = event.call;
      // One more than the tool's index, negative for a call without input.
      at[3] = event.has_input ? event.tool + 1.0 : -(event.tool + 1.0);
      if (event.has_input) texts.push_back(MakeString(env_, event.text));
      break;
    case cell::EventKind::kEnded:
    case cell::EventKind::kStarted:
    case cell::EventKind::kYield:
      break;
  }
}

void EngineObject::AppendEnd(double* at, const cell::End& end) {
  *at++ = static_cast<double>(end.status);
  *at++ = end.queue_ms;
  *at++ = end.start_ms;
  *at++ = end.compile_ms;
  *at++ = end.run_ms;
  *at++ = end.wall_ms;
  *at++ = end.cpu_ms;
  *at++ = static_cast<double>(end.heap_used_bytes);
  *at++ = static_cast<double>(end.output_bytes);
}

Napi::Value EngineObject::EndDetails(const cell::End& end) {
  const bool all_answered = end.knows_unanswered && end.unanswered.empty();
  if (end.status != cell::Status::kFailed && !end.quarantined && end.diagnostics.empty() && all_answered)
    return env_.Undefined();
  const Napi::Object object = Napi::Object::New(env_);
  if (end.status == cell::Status::kFailed) {
    object.Set("code", end.code);
    object.Set("message", MakeString(env_, end.message));
    object.Set("text", MakeString(env_, end.text));
    if (!end.stack.empty()) object.Set("stack", MakeString(env_, end.stack));
    if (end.line > 0) {
      object.Set("line", end.line);
      object.Set("column", end.column);
    }
  }
  object.Set("quarantined", end.quarantined);
  const Napi::Array diagnostics = Napi::Array::New(env_, end.diagnostics.size());
  for (uint32_t i = 0; i < end.diagnostics.size(); i++) {
    const Napi::Array pair = Napi::Array::New(env_, 2);
    pair.Set(0u, end.diagnostics[i].first);
    pair.Set(1u, MakeString(env_, end.diagnostics[i].second));
    diagnostics.Set(i, pair);
  }
  object.Set("diagnostics", diagnostics);
  if (end.knows_unanswered) {
    const Napi::Array unanswered = Napi::Array::New(env_, end.unanswered.size());
    for (uint32_t i = 0; i < end.unanswered.size(); i++) unanswered.Set(i, end.unanswered[i]);
    object.Set("unansweredCalls", unanswered);
  }
  return object;
}

void EngineObject::EndWithEnvironment() {
  if (ending_) return;
  ending_ = true;
  outbox_->Close();
  pool_->Close();
  pool_->WaitForThreads();
}

void EngineObject::CloseHandle() {
  outbox_->Close();
  if (wake_ == nullptr) return;
  uv_async_t* const handle = std::exchange(wake_, nullptr);
  uv_close(reinterpret_cast<uv_handle_t*>(handle), [](uv_handle_t* closing) {
    auto* const async = reinterpret_cast<uv_async_t*>(closing);
    auto* const self = static_cast<EngineObject*>(async->data);
    const std::shared_ptr<EngineObject> last = std::exchange(self->keep_, nullptr);
    delete async;
    // Environments wait for this.
    if (self->cleanup_ != nullptr) napi_remove_async_cleanup_hook(std::exchange(self->cleanup_, nullptr));
  });
}

}  // namespace

bool IsMainThread(Napi::Env env) {
  uv_loop_t* loop = nullptr;
  return napi_get_uv_event_loop(env, &loop) == napi_ok && loop == uv_default_loop();
}

void SetExitCode(const Napi::CallbackInfo& info) { exit_code = info[0].ToNumber().Int32Value(); }

Napi::Value CreateEngine(const Napi::CallbackInfo& info) {
  const std::shared_ptr<EngineObject> engine =
      EngineObject::Create(info.Env(), info[0].As<Napi::Object>(), info[1].As<Napi::Function>());
  if (!engine) return info.Env().Undefined();
  return engine->MakeInterface(info.Env());
}

}  // namespace codecell::addon
