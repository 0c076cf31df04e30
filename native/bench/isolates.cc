#include "bench/isolates.h"

#include <v8.h>

#include <atomic>

#include "cell/runtime.h"
#include "engine/task_queue.h"

namespace codecell::bench {
namespace {

// An isolate with nothing of ours in it: what V8 and Node's platform ask for, no more.
class BareIsolate {
 public:
  explicit BareIsolate(engine::Platform& platform)
      : allocator_(v8::ArrayBuffer::Allocator::NewDefaultAllocator()),
        tasks_(std::make_shared<engine::TaskQueue>()),
        isolate_(v8::Isolate::Allocate()),
        registration_(platform.Register(isolate_, tasks_)) {
    v8::Isolate::CreateParams params;
    params.array_buffer_allocator = allocator_.get();
    v8::Isolate::Initialize(isolate_, params);
    isolate_->Enter();
    isolate_->SetMicrotasksPolicy(v8::MicrotasksPolicy::kExplicit);
  }
  ~BareIsolate() {
    isolate_->Exit();
    tasks_->Close();
    registration_->DisposeIsolate();
  }
  BareIsolate(const BareIsolate&) = delete;
  BareIsolate& operator=(const BareIsolate&) = delete;

  v8::Isolate* v8() const { return isolate_; }

 private:
  const std::unique_ptr<v8::ArrayBuffer::Allocator> allocator_;
  const std::shared_ptr<engine::TaskQueue> tasks_;
  v8::Isolate* const isolate_;
  const std::unique_ptr<engine::Platform::Registration> registration_;
};

void MakeAndDispose(engine::Platform& platform) {
  const BareIsolate isolate(platform);
  const v8::HandleScope handles(isolate.v8());
  v8::Context::New(isolate.v8());
}

v8::Local<v8::String> String(v8::Isolate* isolate, const std::string& text) {
  return v8::String::NewFromUtf8(isolate, text.data(), v8::NewStringType::kNormal,
                                 static_cast<int>(text.size()))
      .ToLocalChecked();
}

v8::Local<v8::Module> Compile(v8::Isolate* isolate, v8::Local<v8::String> code) {
#if V8_MAJOR_VERSION >= 12
  const v8::ScriptOrigin origin(
#else
  const v8::ScriptOrigin origin(
      isolate,
#endif
      String(isolate, "bench.mjs"), 0, 0, false, -1, v8::Local<v8::Value>(), false, false, true);
  v8::ScriptCompiler::Source source(code, origin);
  return v8::ScriptCompiler::CompileModule(isolate, &source).ToLocalChecked();
}

void Evaluate(v8::Isolate* isolate, v8::Local<v8::Context> context, v8::Local<v8::Module> module) {
  const auto no_imports = [](v8::Local<v8::Context>, v8::Local<v8::String>, v8::Local<v8::FixedArray>,
                             v8::Local<v8::Module>) { return v8::MaybeLocal<v8::Module>(); };
  module->InstantiateModule(context, no_imports).Check();
  module->Evaluate(context).ToLocalChecked();
  v8::MicrotasksScope::PerformCheckpoint(isolate);
}

// A module of about that many bytes, most of it functions that nobody calls.
std::string Source(size_t bytes) {
  std::string source = "const ok = 1;\n";
  for (size_t i = 0; source.size() < bytes; i++) {
    const std::string n = std::to_string(i);
    source += "function step" + n +
              "(list, limit) { const seen = new Map(); for (const one of list) { if (one.size > " + n +
              ") seen.set(one.name, (seen.get(one.name) ?? 0) + limit); } return [...seen]; }\n";
  }
  return source;
}

double PerSecond(int threads, double milliseconds, const std::function<void()>& work) {
  std::atomic<int> made{0};
  std::atomic<int> running{threads};
  Signal done;
  const base::TimePoint start = base::Clock::now();
  for (int i = 0; i < threads; i++) {
    base::StartDetachedThread("codecell-bench", kStackBytes, [&] {
      while (base::MillisecondsBetween(start, base::Clock::now()) < milliseconds) {
        work();
        made++;
      }
      if (--running == 0) done.Set();
    });
  }
  done.Wait();
  return made / base::MillisecondsBetween(start, base::Clock::now()) * 1000;
}

}  // namespace

Rows MeasureIsolates(const std::shared_ptr<engine::Platform>& platform, int iterations) {
  Rows rows;
  OnThread([&] {
    MakeAndDispose(*platform);
    for (int i = 0; i < iterations; i++) {
      {
        Lap lap;
        auto isolate = std::make_unique<BareIsolate>(*platform);
        Add(rows, "isolate", lap.Next());
        {
          const v8::HandleScope handles(isolate->v8());
          lap.Next();
          v8::Context::New(isolate->v8());
          Add(rows, "context", lap.Next());
        }
        lap.Next();
        isolate.reset();
        Add(rows, "disposal", lap.Next());
      }
      {
        Lap lap;
        MakeAndDispose(*platform);
        Add(rows, "isolate + context + disposal", lap.Next());
      }
      {
        Lap lap;
        std::unique_ptr<cell::Runtime> runtime = cell::Runtime::Prepare(*platform, nullptr);
        Add(rows, "codecell: isolate + context + helpers", lap.Next());
        runtime.reset();
        Add(rows, "codecell: disposal", lap.Next());
      }
    }
  });
  return rows;
}

Rows MeasureScripts(const std::shared_ptr<engine::Platform>& platform, int iterations) {
  Rows rows;
  const std::string trivial = "const ok = 1;";
  const std::string large = Source(100 * 1024);
  OnThread([&] {
    for (int i = 0; i < iterations; i++) {
      const BareIsolate isolate(*platform);
      const v8::HandleScope handles(isolate.v8());
      const v8::Local<v8::Context> context = v8::Context::New(isolate.v8());
      const v8::Context::Scope entered(context);
      v8::Local<v8::String> code = String(isolate.v8(), trivial);
      Lap lap;
      v8::Local<v8::Module> module = Compile(isolate.v8(), code);
      Add(rows, "compile a trivial module, first in its isolate", lap.Next());
      Evaluate(isolate.v8(), context, module);
      Add(rows, "instantiate + evaluate it", lap.Next());
      code = String(isolate.v8(), "const other = 2;");
      lap.Next();
      module = Compile(isolate.v8(), code);
      Evaluate(isolate.v8(), context, module);
      Add(rows, "compile + evaluate another trivial module", lap.Next());
      code = String(isolate.v8(), large);
      lap.Next();
      module = Compile(isolate.v8(), code);
      Add(rows, "compile a module of 100 KB", lap.Next());
      Evaluate(isolate.v8(), context, module);
      Add(rows, "instantiate + evaluate that", lap.Next());

      const v8::Local<v8::String> json = String(isolate.v8(), R"({"id":"abc","limit":10})");
      lap.Next();
      for (int n = 0; n < 100; n++) {
        const v8::HandleScope inner(isolate.v8());
        const v8::Local<v8::Value> value = v8::JSON::Parse(context, json).ToLocalChecked();
        v8::JSON::Stringify(context, value).ToLocalChecked();
      }
      Add(rows, "JSON parse + stringify, a small object", lap.Next() / 100);
    }
  });
  return rows;
}

Rows MeasureFirst(const std::shared_ptr<engine::Platform>& platform) {
  Rows rows;
  const base::TimePoint start = base::Clock::now();
  OnThread([&] {
    const BareIsolate isolate(*platform);
    const v8::HandleScope handles(isolate.v8());
    const v8::Local<v8::Context> context = v8::Context::New(isolate.v8());
    Add(rows, "first in a process: thread + isolate + context",
        base::MillisecondsBetween(start, base::Clock::now()));
    const v8::Context::Scope entered(context);
    Lap lap;
    Evaluate(isolate.v8(), context, Compile(isolate.v8(), String(isolate.v8(), "const ok = 1;")));
    Add(rows, "first in a process: compile + evaluate a trivial module", lap.Next());
  });
  return rows;
}

double IsolatesPerSecond(const std::shared_ptr<engine::Platform>& platform, int threads,
                         double milliseconds) {
  return PerSecond(threads, milliseconds, [&] { MakeAndDispose(*platform); });
}

double PreparedPerSecond(const std::shared_ptr<engine::Platform>& platform, int threads,
                         double milliseconds) {
  return PerSecond(threads, milliseconds, [&] { cell::Runtime::Prepare(*platform, nullptr); });
}

}  // namespace codecell::bench
