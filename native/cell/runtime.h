// Runtime: a cell's inside. One isolate, one context with the helpers installed, and, once a cell is taken,
// its event loop. Prepared warm before any cell asks; runs one cell; then it is destroyed. [isolate]
#pragma once

#include <v8.h>

#include <array>
#include <memory>
#include <optional>
#include <string_view>

#include "base/code_cache.h"
#include "base/cores.h"
#include "cell/control.h"
#include "cell/modules.h"
#include "cell/rejections.h"
#include "cell/timers.h"
#include "cell/tools.h"
#include "engine/isolate.h"

namespace codecell::cell {

class Runtime;

// Proof that the isolate is entered and a context is open: what touches V8 takes one.
struct Scope {
  explicit Scope(v8::Isolate* isolate);
  v8::Isolate* const isolate;
  const v8::Local<v8::Context> context;
  Runtime& runtime;
};

// The functions of the global object, in the order in which they are enumerated.
enum class Helper : uint8_t {
  kClearTimeout,
  kSetTimeout,
  kText,
  kContent,
  kImage,
  kAudio,
  kGeneratedImage,
  kStore,
  kLoad,
  kNotify,
  kYieldControl,
  kExit,
  kAsSettled,
  kStreamSettled,
  kCount,
};

class Runtime {
 public:
  // Null when no isolate could be made.
  static std::unique_ptr<Runtime> Prepare(engine::Platform& platform, std::shared_ptr<base::CodeCache> codes);
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  static Runtime& Of(v8::Isolate* isolate) { return *static_cast<Runtime*>(isolate->GetData(0)); }

  // Runs the cell until it has settled, commits what it stored and reports its end.
  void Run(std::shared_ptr<Control> control);

  v8::Local<v8::Context> context() const { return context_.Get(isolate_->v8()); }
  Control& control() const { return *control_; }
  bool codex() const { return control_->options.profile == Profile::kCodex; }
  v8::Local<v8::Function> helper(Helper which) const;

  // True once the script has exited or the cell has settled: nothing it does counts any more.
  bool stopping() const { return exited_ || control_->decided(); }
  // exit(): ends the script, successfully, without running any more of it.
  void Exit();

  // Output. Each counts against the cell's limits.
  void EmitText(base::Text text) { EmitItem(EventKind::kText, std::move(text), ""); }
  void EmitImage(base::Text url, const char* detail) { EmitItem(EventKind::kImage, std::move(url), detail); }
  void EmitAudio(base::Text url) { EmitItem(EventKind::kAudio, std::move(url), ""); }
  // False, and the cell is stopped, for a text that alone is over the limit; asked before it is copied out of
  // V8.
  bool FitsOutput(v8::Local<v8::String> text);
  void Notify(base::Text text);
  void Yield();
  // Counts one nested call or notification. False, and the cell is stopped, over the limit.
  bool CountCall();
  // Counts what timers and calls in flight hold outside of V8's heap. False, and the cell is stopped, when
  // that alone would fill the heap.
  bool CountNativeState();
  // False, and the cell is stopped, for a tool's input over the limit; asked before it is copied out of V8.
  bool FitsInput(v8::Local<v8::String> json);
  void EmitCall(uint32_t call, uint32_t tool, bool has_input, base::Text input);

  // Stored values. `Store` returns false, and the cell is stopped, over the limit.
  bool Store(std::string key, base::Text json);
  // The same for a key or a JSON text that alone is over the limit.
  bool FitsStore(v8::Local<v8::String> text);
  base::ValueStore::Value Load(const std::string& key) const;

  // Parts of a cell that keep state of their own.
  Timers timers;
  Tools tools;
  Modules modules;
  Rejections rejections;
  v8::Global<v8::Object> error_prototype;  // of errors made by helpers; made on first use

 private:
  explicit Runtime(std::shared_ptr<base::CodeCache> codes) : codes_(std::move(codes)) {}
  void InstallGlobals();
  void WarmUp();
  bool Emit(Event event, size_t bytes);
  void EmitItem(EventKind kind, base::Text payload, const char* detail);
  void StopForMemory();
  void Fail(const char* code, const char* what, double allowed);
  void FailStore();

  // The event loop.
  void Evaluate(Scope& scope);
  void Loop(Scope& scope);
  bool SettleIfFinished(Scope& scope);
  void SettleThrown(Scope& scope, v8::Local<v8::Value> thrown);
  void Microtasks();
  void HandleAnswers(Scope& scope);
  void KeepOffSharedCore();
  void ReportStalled();
  void Finish(Scope& scope);

  static constexpr int kFirstMove = 4;

  // Destroyed last: everything above and below it holds handles into it.
  std::unique_ptr<engine::Isolate> isolate_;
  v8::Global<v8::Context> context_;
  std::array<v8::Global<v8::Function>, static_cast<size_t>(Helper::kCount)> helpers_;
  v8::Global<v8::Promise> main_;

  const std::shared_ptr<base::CodeCache> codes_;
  std::shared_ptr<Control> control_;
  std::unique_ptr<base::ValueStore::Snapshot> snapshot_;
  // What the cell stored, in the order of first writes, and where in there each key is.
  base::ValueStore::Writes writes_;
  std::unordered_map<std::string, size_t> write_index_;
  size_t written_bytes_ = 0;
  // What the cell's writes replace: committed values that will not count any more.
  size_t replaced_bytes_ = 0;
  // Keys that the session does not have yet.
  size_t added_values_ = 0;
  bool exited_ = false;
  End end_;
  size_t output_bytes_ = 0;
  size_t output_items_ = 0;
  size_t calls_ = 0;
  double run_ms_ = 0;
  // The last answer came soon, but not at once: the next one is awaited without going to sleep.
  bool spin_ = false;
  std::optional<base::Computing> computing_;
  // Answers in a row that came from the core that this thread is on, and how many of them are put up with.
  int shared_core_answers_ = 0;
  int most_shared_core_answers_ = kFirstMove;
};

}  // namespace codecell::cell
