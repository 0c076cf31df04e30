#include "engine/platform.h"

#include <node.h>

#include <mutex>

#include "engine/task_queue.h"

namespace codecell::engine {
namespace {

class Delegate final : public node::IsolatePlatformDelegate {
 public:
  explicit Delegate(std::shared_ptr<TaskQueue> tasks) : tasks_(std::move(tasks)) {}
  virtual ~Delegate() = default;
  std::shared_ptr<v8::TaskRunner> GetForegroundTaskRunner() override { return tasks_; }
  bool IdleTasksEnabled() override { return false; }

 private:
  const std::shared_ptr<TaskQueue> tasks_;
};

class NodeRegistration final : public Platform::Registration {
 public:
  NodeRegistration(node::MultiIsolatePlatform* platform, v8::Isolate* isolate,
                   std::shared_ptr<TaskQueue> tasks)
      : platform_(platform), isolate_(isolate), delegate_(std::move(tasks)) {
    platform_->RegisterIsolate(isolate_, &delegate_);
  }

  void DisposeIsolate() override {
#if NODE_MAJOR_VERSION >= 24
    platform_->DisposeIsolate(isolate_);
#else
    platform_->UnregisterIsolate(isolate_);
    isolate_->Dispose();
#endif
  }

 private:
  node::MultiIsolatePlatform* const platform_;
  v8::Isolate* const isolate_;
  Delegate delegate_;
};

class NodePlatform final : public Platform {
 public:
  explicit NodePlatform(node::MultiIsolatePlatform* platform) : platform_(platform) {}

  std::unique_ptr<Registration> Register(v8::Isolate* isolate, std::shared_ptr<TaskQueue> tasks) override {
    return std::make_unique<NodeRegistration>(platform_, isolate, std::move(tasks));
  }

 private:
  node::MultiIsolatePlatform* const platform_;
};

}  // namespace

std::shared_ptr<Platform> Platform::OfCurrentEnvironment() {
  v8::Isolate* const isolate = v8::Isolate::GetCurrent();
  v8::HandleScope handles(isolate);
  node::Environment* const environment = node::GetCurrentEnvironment(isolate->GetCurrentContext());
  if (environment == nullptr) return nullptr;
  node::MultiIsolatePlatform* const platform = node::GetMultiIsolatePlatform(environment);
  return platform == nullptr ? nullptr : std::make_shared<NodePlatform>(platform);
}

void BeforeEnvironmentEnds(void (*callback)(void*), void* data) {
  v8::Isolate* const isolate = v8::Isolate::GetCurrent();
  v8::HandleScope handles(isolate);
  node::AtExit(node::GetCurrentEnvironment(isolate->GetCurrentContext()), callback, data);
}

const char* V8Version() { return v8::V8::GetVersion(); }

int CompiledNodeAbi() { return NODE_MODULE_VERSION; }

void SetProcessFlags() {
  static std::once_flag once;
  std::call_once(once, [] {
#if V8_MAJOR_VERSION >= 13
    // Turboshaft's loop unrolling drops the outer loop's stack check, so that an optimized
    // `while (true) new Array(1000).fill({})` never sees a termination request. Costs up to 2x on tiny
    // constant loops; unknown flags are ignored by V8.
    v8::V8::SetFlagsFromString("--no-turboshaft-loop-unrolling");
#endif
  });
}

}  // namespace codecell::engine
