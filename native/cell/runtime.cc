#include "cell/runtime.h"

#include <algorithm>
#include <climits>
#include <string>
#include <utility>

#include "base/address_space.h"
#include "base/native_thread.h"
#include "base/units.h"
#include "cell/entry.h"
#include "cell/errors.h"
#include "cell/helpers.h"
#include "engine/values.h"

namespace codecell::cell {

using base::Clock;
using base::MillisecondsBetween;
using base::Text;
using engine::Ascii;

namespace {

// What scripts may use of a thread's stack. The rest of it is for V8's and our own native frames.
constexpr size_t kScriptStackBytes = 984 * base::kKilobyte;

// More calls in flight than this are not listed one by one at a cell's end.
constexpr size_t kMostUnanswered = 10'000;

// What a timer, a call in flight or a stored value takes outside of V8's heap: a tree node, a hash node and a
// global handle each, or two hash nodes.
constexpr size_t kNativeStateBytes = 256;

// How long an answer is worth waiting for without going to sleep, when the last one came within twice the
// time.
constexpr auto kSpin = std::chrono::microseconds(60);

// Ambient authority and shared memory: not in a cell.
constexpr const char* kRemovedGlobals[] = {"console", "WebAssembly", "SharedArrayBuffer", "Atomics"};

struct HelperDefinition {
  const char* name;
  v8::FunctionCallback callback;
  int length;
};

// In the order of `Helper`.
constexpr HelperDefinition kHelpers[] = {
    {"clearTimeout", Entry<Timers::ClearTimeout>, 1},
    {"setTimeout", Entry<Timers::SetTimeout>, 2},
    {"text", Entry<TextHelper>, 1},
    {"content", Entry<ContentHelper>, 1},
    {"image", Entry<ImageHelper>, 2},
    {"audio", Entry<AudioHelper>, 1},
    {"generatedImage", Entry<GeneratedImageHelper>, 1},
    {"store", Entry<StoreHelper>, 2},
    {"load", Entry<LoadHelper>, 1},
    {"notify", Entry<NotifyHelper>, 1},
    {"yield_control", Entry<YieldControlHelper>, 0},
    {"exit", Entry<ExitHelper>, 0},
    {"as_settled", Entry<AsSettledHelper>, 1},
    {"stream_settled", Entry<StreamSettledHelper>, 2},
};
static_assert(std::size(kHelpers) == static_cast<size_t>(Helper::kCount));

// Adds up the time in which script runs.
class RunTimer {
 public:
  explicit RunTimer(double* total) : total_(total) {}
  ~RunTimer() { *total_ += MillisecondsBetween(start_, Clock::now()); }

 private:
  double* const total_;
  const base::TimePoint start_ = Clock::now();
};

}  // namespace

Scope::Scope(v8::Isolate* isolate)
    : isolate(isolate), context(Runtime::Of(isolate).context()), runtime(Runtime::Of(isolate)) {}

std::unique_ptr<Runtime> Runtime::Prepare(engine::Platform& platform,
                                          std::shared_ptr<base::CodeCache> codes) {
  const base::Computing computing;
  const base::AddressSpaceTurn turn(engine::Isolate::kAddressSpace);
  if (!turn.granted()) return nullptr;
  std::unique_ptr<Runtime> self(new Runtime(std::move(codes)));
  self->isolate_ = engine::Isolate::Create(platform, kScriptStackBytes);
  if (!self->isolate_) return nullptr;
  v8::Isolate* const isolate = self->isolate_->v8();
  isolate->SetData(0, self.get());
  isolate->SetHostImportModuleDynamicallyCallback(Modules::ImportDynamically);
  isolate->SetPromiseRejectCallback(Rejections::OnReject);
  const v8::HandleScope handles(isolate);
  const v8::Local<v8::Context> context = v8::Context::New(isolate);
  if (context.IsEmpty()) return nullptr;
  self->context_.Reset(isolate, context);
  self->InstallGlobals();
  self->WarmUp();
  return self;
}

Runtime::~Runtime() {
  // Handles go before the isolate they point into.
  timers.Clear();
  tools = Tools();
  modules.Clear();
  rejections.Clear();
  error_prototype.Reset();
  for (auto& helper : helpers_) helper.Reset();
  main_.Reset();
  context_.Reset();
}

void Runtime::InstallGlobals() {
  Scope scope(isolate_->v8());
  const v8::Context::Scope entered(scope.context);
  const v8::Local<v8::Object> global = scope.context->Global();
  isolate_->GuardArrayBuffers(scope.context);
  for (const char* name : kRemovedGlobals) global->Delete(scope.context, Ascii(scope.isolate, name)).Check();
  const auto define = [&](const char* name, v8::Local<v8::Value> value) {
    global->CreateDataProperty(scope.context, Ascii(scope.isolate, name), value).Check();
  };
  define("tools", tools.MakeObject(scope));
  global->SetLazyDataProperty(scope.context, Ascii(scope.isolate, "ALL_TOOLS"), Tools::AllTools).Check();
  for (size_t i = 0; i < std::size(kHelpers); i++) {
    const v8::Local<v8::String> name = Ascii(scope.isolate, kHelpers[i].name);
    const v8::Local<v8::Function> function =
        v8::Function::New(scope.context, kHelpers[i].callback, {}, kHelpers[i].length).ToLocalChecked();
    function->SetName(name);
    global->CreateDataProperty(scope.context, name, function).Check();
    helpers_[i].Reset(scope.isolate, function);
  }
}

// The first module of an isolate takes several times as long to compile as the next. An empty one, of ours,
// gets that over with before a cell asks.
void Runtime::WarmUp() {
  Scope scope(isolate_->v8());
  const v8::HandleScope handles(scope.isolate);
  const v8::Context::Scope entered(scope.context);
  v8::Local<v8::Module> module;
  v8::Local<v8::Value> evaluated;
  if (!modules.Compile(scope, Text::Latin1(";")).ToLocal(&module)) return;
  if (module->InstantiateModule(scope.context, Modules::Resolve).IsNothing()) return;
  (void)module->Evaluate(scope.context).ToLocal(&evaluated);
  v8::MicrotasksScope::PerformCheckpoint(scope.isolate);
}

v8::Local<v8::Function> Runtime::helper(Helper which) const {
  return helpers_[static_cast<size_t>(which)].Get(isolate_->v8());
}

// Running a cell.

void Runtime::Run(std::shared_ptr<Control> control) {
  computing_.emplace();
  control_ = std::move(control);
  v8::Isolate* const isolate = isolate_->v8();
  const double cpu_before = base::CurrentThreadCpuMilliseconds();
  end_.queue_ms = MillisecondsBetween(control_->created, control_->started);
  control_->Emit(Event(EventKind::kStarted, control_->id));
  snapshot_ = std::make_unique<base::ValueStore::Snapshot>(control_->store);
  isolate_->tasks().SetWake([mailbox = &control_->mailbox()] { mailbox->Wake(); });
  isolate_->SetHeapLimit(control_->options.limits.heap_bytes, [this](bool fatal) {
    StopForMemory();
    // The isolate is lost with this thread; the cell must still end.
    if (fatal) control_->Quarantine();
  });
  control_->Attach(isolate_->termination());
  {
    const v8::HandleScope handles(isolate);
    Scope scope(isolate);
    const v8::Context::Scope entered(scope.context);
    end_.start_ms = MillisecondsBetween(control_->started, Clock::now());
    Evaluate(scope);
    Loop(scope);
    Finish(scope);
  }
  control_->Detach();
  isolate_->tasks().SetWake(nullptr);
  snapshot_.reset();
  end_.cpu_ms = base::CurrentThreadCpuMilliseconds() - cpu_before;
  control_->ReportEnd(std::move(end_));
}

void Runtime::StopForMemory() {
  const size_t megabytes = control_->options.limits.heap_bytes / base::kMegabyte;
  const std::string allowed =
      megabytes == 0 ? "V8 can give" : "the " + std::to_string(megabytes) + " MB allowed";
  control_->Stop(
      {Status::kFailed, "HEAP_LIMIT", Text::Latin1("the script needed more memory than " + allowed)});
}

void Runtime::Evaluate(Scope& scope) {
  v8::TryCatch caught(scope.isolate);
  if (stopping()) return;
  const base::TimePoint compile_start = Clock::now();
  v8::Local<v8::Module> main;
  const bool compiled = modules.Compile(scope, control_->source, codes_.get()).ToLocal(&main);
  end_.compile_ms = MillisecondsBetween(compile_start, Clock::now());
  if (!compiled) {
    if (stopping()) return;
    const Thrown thrown = DescribeSyntaxError(scope, caught, !codex());
    end_.text = thrown.text;
    end_.line = thrown.line;
    end_.column = thrown.column;
    control_->Settle({Status::kFailed, "SYNTAX_ERROR", thrown.message});
    return;
  }
  v8::Local<v8::String> unsupported;
  if (modules.FirstUnsupported(scope, main).ToLocal(&unsupported)) {
    const Text message =
        Text::FromUtf8("Unsupported import in exec: " + ErrorText(scope.isolate, unsupported).ToUtf8());
    end_.text = message;
    control_->Settle({Status::kFailed, "UNSUPPORTED_IMPORT", message});
    return;
  }
  v8::Local<v8::Value> evaluation;
  bool ok = false;
  {
    const RunTimer timer(&run_ms_);
    const engine::TerminationHandle::Entry entry(*isolate_->termination());
    ok = !main->InstantiateModule(scope.context, Modules::Resolve).IsNothing() && !stopping() &&
         main->Evaluate(scope.context).ToLocal(&evaluation);
  }
  if (ok) {
    main_.Reset(scope.isolate, evaluation.As<v8::Promise>());
    evaluation.As<v8::Promise>()->MarkAsHandled();
  }
  if (stopping()) return;
  if (!ok) {
    // A missing export of a synthetic module, for example: nothing has run.
    if (!caught.HasTerminated()) SettleThrown(scope, caught.Exception());
    return;
  }
  Microtasks();
}

// Runs until the cell has settled or the script has exited.
void Runtime::Loop(Scope& scope) {
  while (!stopping() && !SettleIfFinished(scope)) {
    v8::HandleScope handles(scope.isolate);
    HandleAnswers(scope);
    if (stopping() || SettleIfFinished(scope)) return;
    if (isolate_->tasks().RunDue()) Microtasks();
    v8::Local<v8::Function> callback;
    if (!stopping() && timers.TakeDue(scope.isolate, Clock::now()).ToLocal(&callback)) {
      v8::TryCatch caught(scope.isolate);
      v8::Local<v8::Value> ignored;
      bool ok = false;
      control_->Progress();
      {
        const RunTimer timer(&run_ms_);
        ok = callback->Call(scope.context, v8::Undefined(scope.isolate), 0, nullptr).ToLocal(&ignored);
      }
      if (stopping()) return;
      if (!ok && !caught.HasTerminated()) {
        SettleThrown(scope, caught.Exception());
        return;
      }
      Microtasks();
      continue;
    }
    if (stopping() || SettleIfFinished(scope)) return;
    if (tools.pending() == 0 && timers.empty() && !codex()) return ReportStalled();
  }
}

// Waits for answers (or the next timer) and hands them to the script in their order.
void Runtime::HandleAnswers(Scope& scope) {
  std::optional<base::TimePoint> deadline = timers.NextDue();
  const std::optional<base::TimePoint> task_due = isolate_->tasks().NextDue();
  if (task_due && (!deadline || *task_due < *deadline)) deadline = task_due;
  const base::TimePoint asked = Clock::now();
  const bool due = deadline && *deadline <= asked;
  const bool wait = !due && (tools.pending() > 0 || !timers.empty() || codex());
  std::vector<ToolAnswer> answers;
  if (wait) {
    const Control::Waiting waiting(*control_, tools.pending() > 0);
    const bool spin = spin_ && tools.pending() > 0;
    computing_->Pause();
    answers = control_->mailbox().WaitAndTakeAll(deadline, spin ? kSpin : Clock::duration::zero());
    computing_->Resume();
    const auto waited = Clock::now() - asked;
    spin_ = waited < kSpin * 2;
    if (!answers.empty()) KeepOffSharedCore();
  } else {
    answers = control_->mailbox().TakeAll();
  }
  for (const ToolAnswer& answer : answers) {
    if (stopping() || SettleIfFinished(scope)) return;
    v8::HandleScope handles(scope.isolate);
    control_->Progress();
    {
      const RunTimer timer(&run_ms_);
      tools.Answer(scope, answer);
    }
    Microtasks();
  }
}

// A thread that is woken by another often gets its core, and both stay there as long as they talk to each
// other, taking turns, while a core next to them may be idle. On two of them each looks out for the other and
// a call takes half the time. The system may have its reasons to bring the thread back, so it is moved less
// and less often.
void Runtime::KeepOffSharedCore() {
  if (!control_->mailbox().PushedFromThisCore()) {
    shared_core_answers_ = 0;
    return;
  }
  if (++shared_core_answers_ < most_shared_core_answers_ || !base::Computing::LeavesCore()) return;
  shared_core_answers_ = 0;
  most_shared_core_answers_ = base::MoveToAnotherCore() ? most_shared_core_answers_ * 2 : INT_MAX;
}

void Runtime::Microtasks() {
  if (stopping()) return;
  const RunTimer timer(&run_ms_);
  v8::MicrotasksScope::PerformCheckpoint(isolate_->v8());
}

// True when the main module's promise has settled; the outcome is decided then.
bool Runtime::SettleIfFinished(Scope& scope) {
  if (main_.IsEmpty() || stopping()) return stopping();
  const v8::Local<v8::Promise> main = main_.Get(scope.isolate);
  if (main->State() == v8::Promise::kPending) return false;
  if (main->State() == v8::Promise::kFulfilled) {
    control_->Settle({Status::kCompleted, "", {}});
  } else {
    SettleThrown(scope, main->Result());
  }
  return true;
}

void Runtime::SettleThrown(Scope& scope, v8::Local<v8::Value> thrown_value) {
  Thrown thrown;
  {
    // Converting the value may run the script's code, which may exit or be stopped.
    const RunTimer timer(&run_ms_);
    thrown = Describe(scope, thrown_value);
  }
  if (stopping()) return;
  end_.text = std::move(thrown.text);
  end_.stack = std::move(thrown.stack);
  end_.line = thrown.line;
  end_.column = thrown.column;
  const bool out_of_buffers =
      isolate_->buffers().refusals() > 0 && thrown.message.Equals("Array buffer allocation failed");
  control_->Settle(
      {Status::kFailed, out_of_buffers ? "HEAP_LIMIT" : "SCRIPT_ERROR", std::move(thrown.message)});
}

void Runtime::ReportStalled() {
  const Text message = Text::Latin1(
      "the script can never go on: it awaits a promise that nothing will settle (no tool call and no timer "
      "is outstanding)");
  end_.text = message;
  control_->Settle({Status::kFailed, "STALLED", message});
}

void Runtime::Finish(Scope& scope) {
  if (exited_) control_->Settle({Status::kCompleted, "", {}});
  engine::ClearTermination(scope.isolate);
  const Verdict& verdict = control_->verdict();
  end_.status = verdict.status;
  end_.code = verdict.code;
  end_.message = verdict.message;
  // A limit's or the host's own failure: what it says is all there is to say.
  if (verdict.status == Status::kFailed && end_.text.empty() && verdict.code != "SCRIPT_ERROR")
    end_.text = verdict.message;
  if (verdict.status == Status::kTerminated) end_.text = end_.stack = Text();
  if (!codex()) {
    v8::TryCatch quiet(scope.isolate);
    rejections.Report(scope, main_.IsEmpty() ? v8::Local<v8::Promise>() : main_.Get(scope.isolate), end_);
  }
  if (verdict.status != Status::kTerminated && !control_->end_reported()) {
    control_->store->Commit(writes_);
  }
  end_.knows_unanswered = tools.pending() <= kMostUnanswered;
  if (end_.knows_unanswered) end_.unanswered = tools.Unanswered();
  v8::HeapStatistics heap;
  scope.isolate->GetHeapStatistics(&heap);
  end_.heap_used_bytes = heap.used_heap_size() + isolate_->buffers().used();
  end_.run_ms = run_ms_;
  end_.output_bytes = output_bytes_;
}

void Runtime::Exit() {
  exited_ = true;
  isolate_->v8()->TerminateExecution();
}

// Output.

void Runtime::Fail(const char* code, const char* what, double allowed) {
  char number[32];
  std::snprintf(number, sizeof number, "%.0f", allowed);
  control_->Stop(
      {Status::kFailed, code,
       Text::Latin1(std::string("the script produced more than the ") + number + " " + what + " allowed")});
}

bool Runtime::Emit(Event event, size_t bytes) {
  const Limits& limits = control_->options.limits;
  if (limits.output_items != 0 && output_items_ >= limits.output_items) {
    Fail("OUTPUT_LIMIT", "output items", static_cast<double>(limits.output_items));
    return false;
  }
  if (limits.output_bytes != 0 &&
      (bytes > limits.output_bytes || output_bytes_ > limits.output_bytes - bytes)) {
    Fail("OUTPUT_LIMIT", "bytes of output", static_cast<double>(limits.output_bytes));
    return false;
  }
  output_items_++;
  output_bytes_ += bytes;
  control_->Emit(std::move(event));
  return true;
}

bool Runtime::FitsOutput(v8::Local<v8::String> text) {
  const size_t allowed = control_->options.limits.output_bytes;
  if (allowed == 0 || static_cast<size_t>(text->Length()) <= allowed) return true;
  if (!stopping()) Fail("OUTPUT_LIMIT", "bytes of output", static_cast<double>(allowed));
  return false;
}

void Runtime::EmitItem(EventKind kind, Text payload, const char* detail) {
  if (stopping()) return;
  Event event(kind, control_->id);
  const size_t bytes = payload.utf8_bytes();
  event.text = std::move(payload);
  event.utf8_bytes = bytes;
  event.detail = detail;
  Emit(std::move(event), bytes);
}

bool Runtime::CountNativeState() {
  const size_t allowed = control_->options.limits.heap_bytes;
  if (allowed == 0 || (timers.size() + tools.pending() + writes_.size()) * kNativeStateBytes < allowed)
    return true;
  StopForMemory();
  return false;
}

bool Runtime::CountCall() {
  const size_t allowed = control_->options.limits.tool_calls;
  if (allowed == 0 || calls_ < allowed) {
    calls_++;
    return true;
  }
  control_->Stop({Status::kFailed, "TOOL_CALL_LIMIT",
                  Text::Latin1("the script made more than the " + std::to_string(allowed) +
                               " tool calls and notifications allowed")});
  return false;
}

void Runtime::Notify(Text text) {
  if (stopping() || !CountCall()) return;
  const Limits& limits = control_->options.limits;
  if (limits.output_bytes != 0 && text.bytes() > limits.output_bytes) {
    return Fail("OUTPUT_LIMIT", "bytes of output", static_cast<double>(limits.output_bytes));
  }
  Event event(EventKind::kNotify, control_->id);
  event.text = std::move(text);
  control_->Emit(std::move(event));
}

void Runtime::Yield() { control_->Emit(Event(EventKind::kYield, control_->id)); }

bool Runtime::FitsInput(v8::Local<v8::String> json) {
  const size_t allowed = control_->options.limits.tool_input_bytes;
  // Most are settled by their length alone.
  if (allowed == 0 || static_cast<size_t>(json->Length()) * 2 <= allowed) return true;
  const size_t bytes = engine::BytesOf(json);
  if (bytes <= allowed) return true;
  control_->Stop({Status::kFailed, "TOOL_INPUT_LIMIT",
                  Text::Latin1("a tool input of " + std::to_string(bytes) + " bytes is larger than the " +
                               std::to_string(allowed) + " bytes allowed")});
  return false;
}

void Runtime::EmitCall(uint32_t call, uint32_t tool, bool has_input, Text input) {
  Event event(EventKind::kToolCall, control_->id);
  event.call = call;
  event.tool = tool;
  event.has_input = has_input;
  event.text = std::move(input);
  control_->Emit(std::move(event));
}

// Stored values.

void Runtime::FailStore() {
  control_->Stop({Status::kFailed, "STORE_LIMIT",
                  Text::Latin1("stored values would take more than the " +
                               std::to_string(control_->options.limits.stored_bytes) + " bytes allowed")});
}

bool Runtime::FitsStore(v8::Local<v8::String> text) {
  const size_t allowed = control_->options.limits.stored_bytes;
  if (allowed == 0 || static_cast<size_t>(text->Length()) <= allowed) return true;
  if (!stopping()) FailStore();
  return false;
}

bool Runtime::Store(std::string key, Text json) {
  const auto previous = write_index_.find(key);
  const bool is_new = previous == write_index_.end();
  size_t written = written_bytes_ + json.bytes();
  size_t replaced = replaced_bytes_;
  size_t added = added_values_;
  if (!is_new) {
    written -= writes_[previous->second].second->bytes();
  } else {
    written += key.size();
    if (const base::ValueStore::Value committed = snapshot_->Get(key)) {
      replaced += key.size() + committed->bytes();
    } else {
      added++;
    }
  }
  const size_t allowed = control_->options.limits.stored_bytes;
  const size_t total = written + control_->store->CommittedBytes() +
                       base::ValueStore::Overhead(control_->store->CommittedValues() + added);
  if (allowed != 0 && total > replaced && total - replaced > allowed) {
    FailStore();
    return false;
  }
  if (is_new && !CountNativeState()) return false;
  control_->Progress();
  written_bytes_ = written;
  replaced_bytes_ = replaced;
  added_values_ = added;
  auto value = std::make_shared<const Text>(std::move(json));
  if (is_new) {
    write_index_.emplace(key, writes_.size());
    writes_.emplace_back(std::move(key), std::move(value));
  } else {
    writes_[previous->second].second = std::move(value);
  }
  return true;
}

base::ValueStore::Value Runtime::Load(const std::string& key) const {
  const auto own = write_index_.find(key);
  return own == write_index_.end() ? snapshot_->Get(key) : writes_[own->second].second;
}

}  // namespace codecell::cell
