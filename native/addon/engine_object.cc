#include "addon/engine_object.h"

#include <uv.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "addon/strings.h"
#include "base/value_store.h"
#include "cell/control.h"
#include "cell/events.h"
#include "engine/platform.h"
#include "pool/pool.h"

namespace codecell::addon {
namespace {

using cell::Control;

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
  void Close();

  // One batch from the outbox to JavaScript.
  void Deliver();
  // Batches as long as answers bring the next one about at once.
  void DeliverAll();
  bool CallBack(napi_value batch);
  void Append(Napi::Array& batch, uint32_t at, cell::Event& event);
  Napi::Object MakeEnd(const cell::End& end);

  // The environment is going away: stop all script now, while V8's platform is still there.
  void EndWithEnvironment();
  void CloseHandle();

  static void OnWake(uv_async_t* handle);

  const Napi::Env env_;
  Napi::FunctionReference on_events_;
  Napi::AsyncContext context_;
  std::shared_ptr<cell::Outbox> outbox_;
  std::shared_ptr<pool::Pool> pool_;
  std::unordered_map<uint32_t, std::shared_ptr<Control>> cells_;
  double quarantine_ms_ = 500;
  uv_async_t* wake_ = nullptr;
  std::shared_ptr<EngineObject> keep_;  // while the handle is open
  bool closed_ = false;
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
// After a look-out in vain so many are left out: slow tools and busy machines do not profit from them.
constexpr int kSkipAfterMiss = 16;

double ReadNumber(const Napi::Object& object, const char* key) {
  return object.Get(key).ToNumber().DoubleValue();
}
size_t ReadSize(const Napi::Object& object, const char* key) {
  return static_cast<size_t>(ReadNumber(object, key));
}

template <typename T>
std::shared_ptr<T> ReadHandle(const Napi::Value& object) {
  return *object.As<Napi::Object>().Get("handle").As<Napi::External<std::shared_ptr<T>>>().Data();
}

std::shared_ptr<EngineObject> EngineObject::Create(Napi::Env env, const Napi::Object& options,
                                                   const Napi::Function& on_events) {
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
  self->outbox_ = std::make_shared<cell::Outbox>([wake = self->wake_] { uv_async_send(wake); });
  self->pool_ = std::make_shared<pool::Pool>(std::move(platform),
                                             pool::Options{.warm_isolates = ReadSize(options, "warmIsolates"),
                                                           .max_cells = ReadSize(options, "maxCells")});
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
      new Held{self, self->pool_, options.Get("mainThread").ToBoolean()});
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
  method("close", [](EngineObject& self, const Napi::CallbackInfo&) { self.Close(); });
  object.Freeze();
  return object;
}

void EngineObject::Start(const Napi::CallbackInfo& info) {
  if (closed_ || ending_) {
    Napi::Error::New(info.Env(), "the engine is closed").ThrowAsJavaScriptException();
    return;
  }
  const uint32_t id = info[0].As<Napi::Number>().Uint32Value();
  const Napi::Object given = info[4].As<Napi::Object>();
  cell::Options options;
  options.profile = given.Get("profile").As<Napi::String>().Utf8Value() == "codex" ? cell::Profile::kCodex
                                                                                   : cell::Profile::kDefault;
  options.remote_images = given.Get("remoteImages").ToBoolean();
  options.quarantine_ms = quarantine_ms_;
  options.limits = {.heap_bytes = static_cast<size_t>(ReadNumber(given, "heapMb") * 1024 * 1024),
                    .cpu_ms = ReadNumber(given, "cpuMs"),
                    .wall_ms = ReadNumber(given, "wallMs"),
                    .output_bytes = ReadSize(given, "outputBytes"),
                    .output_items = ReadSize(given, "outputItems"),
                    .tool_calls = ReadSize(given, "toolCalls"),
                    .tool_input_bytes = ReadSize(given, "toolInputBytes"),
                    .stored_bytes = ReadSize(given, "storedBytes")};
  auto control =
      std::make_shared<Control>(id, ReadText(info[1]), options, ReadHandle<const cell::ToolManifest>(info[2]),
                                ReadHandle<base::ValueStore>(info[3]), outbox_);
  if (cells_.empty()) uv_ref(reinterpret_cast<uv_handle_t*>(wake_));
  cells_.emplace(id, control);
  pool_->Submit(std::move(control));
}

void EngineObject::Resolve(const Napi::CallbackInfo& info) {
  const auto found = cells_.find(info[0].As<Napi::Number>().Uint32Value());
  if (found == cells_.end()) return;
  answered_ = true;
  found->second->Answer({.call = info[1].As<Napi::Number>().Uint32Value(),
                         .ok = true,
                         .json = ReadText(info[2]),
                         .message = {},
                         .name = {},
                         .code = {},
                         .data_json = {}});
}

void EngineObject::Reject(const Napi::CallbackInfo& info) {
  const auto found = cells_.find(info[0].As<Napi::Number>().Uint32Value());
  if (found == cells_.end()) return;
  found->second->Answer({.call = info[1].As<Napi::Number>().Uint32Value(),
                         .ok = false,
                         .json = {},
                         .message = ReadText(info[2]),
                         .name = ReadText(info[3]),
                         .code = ReadText(info[4]),
                         .data_json = ReadText(info[5])});
}

Napi::Value EngineObject::Stop(const Napi::CallbackInfo& info) {
  const auto found = cells_.find(info[0].As<Napi::Number>().Uint32Value());
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
  return object;
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
    if (!answered_ || ending_ || wake_ == nullptr) return;
    if (skip_look_outs_ > 0) {
      skip_look_outs_--;
      return;
    }
    const base::TimePoint now = base::Clock::now();
    const base::TimePoint until = std::min(end, now + kLookOut);
    while (!outbox_->HasEvents()) {
      if (base::Clock::now() >= until) {
        skip_look_outs_ = kSkipAfterMiss;
        return;
      }
      std::this_thread::yield();
    }
    if (base::Clock::now() >= end) return;
  }
}

void EngineObject::Deliver() {
  std::vector<cell::Event> events = outbox_->TakeAll();
  if (events.empty()) return;
  const Napi::HandleScope scope(env_);
  // A batch becomes one array; very long ones are cut, so that no call holds too many handles.
  constexpr size_t kMost = 4096;
  for (size_t from = 0; from < events.size(); from += kMost) {
    const Napi::HandleScope chunk_scope(env_);
    const size_t to = std::min(events.size(), from + kMost);
    constexpr uint32_t kStride = 5;
    Napi::Array batch = Napi::Array::New(env_, (to - from) * kStride);
    for (size_t i = from; i < to; i++) {
      const Napi::HandleScope event_scope(env_);
      Append(batch, static_cast<uint32_t>(i - from) * kStride, events[i]);
      if (events[i].kind == cell::EventKind::kEnded) {
        cells_.erase(events[i].cell);
        if (cells_.empty() && wake_ != nullptr) uv_unref(reinterpret_cast<uv_handle_t*>(wake_));
      }
    }
    if (!CallBack(batch) || ending_) return;
  }
  if (closed_ && cells_.empty()) CloseHandle();
}

// False when the environment runs no JavaScript any more. Node-API itself, because node-addon-api makes an
// exception of every failure, and a worker that is being terminated cannot take one.
bool EngineObject::CallBack(napi_value batch) {
  napi_value ignored = nullptr;
  const napi_status status =
      napi_make_callback(env_, context_, env_.Global(), on_events_.Value(), 1, &batch, &ignored);
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

void EngineObject::Append(Napi::Array& batch, uint32_t at, cell::Event& event) {
  batch.Set(at, Napi::Number::New(env_, static_cast<uint8_t>(event.kind)));
  batch.Set(at + 1, Napi::Number::New(env_, event.cell));
  switch (event.kind) {
    case cell::EventKind::kText:
    case cell::EventKind::kAudio:
    case cell::EventKind::kNotify:
      batch.Set(at + 2, MakeString(env_, event.text));
      break;
    case cell::EventKind::kImage:
      batch.Set(at + 2, MakeString(env_, event.text));
      batch.Set(at + 3, Napi::String::New(env_, event.detail));
      break;
    case cell::EventKind::kToolCall:
      batch.Set(at + 2, Napi::Number::New(env_, event.call));
      batch.Set(at + 3, Napi::Number::New(env_, event.tool));
      if (event.has_input) batch.Set(at + 4, MakeString(env_, event.text));
      break;
    case cell::EventKind::kEnded:
      batch.Set(at + 2, MakeEnd(*event.end));
      break;
    case cell::EventKind::kStarted:
    case cell::EventKind::kYield:
      break;
  }
}

Napi::Object EngineObject::MakeEnd(const cell::End& end) {
  constexpr const char* kStatus[] = {"completed", "failed", "terminated"};
  const Napi::Object object = Napi::Object::New(env_);
  object.Set("status", kStatus[static_cast<uint8_t>(end.status)]);
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
  object.Set("queueMs", end.queue_ms);
  object.Set("startMs", end.start_ms);
  object.Set("compileMs", end.compile_ms);
  object.Set("runMs", end.run_ms);
  object.Set("wallMs", end.wall_ms);
  object.Set("cpuMs", end.cpu_ms);
  object.Set("heapUsedBytes", end.heap_used_bytes);
  object.Set("outputBytes", end.output_bytes);
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

void SetExitCode(const Napi::CallbackInfo& info) { exit_code = info[0].ToNumber().Int32Value(); }

Napi::Value CreateEngine(const Napi::CallbackInfo& info) {
  const std::shared_ptr<EngineObject> engine =
      EngineObject::Create(info.Env(), info[0].As<Napi::Object>(), info[1].As<Napi::Function>());
  if (!engine) return info.Env().Undefined();
  return engine->MakeInterface(info.Env());
}

}  // namespace codecell::addon
