#include "cell/tools.h"

#include <algorithm>
#include <string>

#include "cell/entry.h"
#include "cell/errors.h"
#include "cell/runtime.h"
#include "engine/values.h"

namespace codecell::cell {

using base::Text;
using engine::Ascii;

namespace {

// Proxy traps other than `get`; each has the signature of the function of the same name on Reflect.
constexpr const char* kFillTraps[] = {
    "has",
    "ownKeys",
    "getOwnPropertyDescriptor",
    "defineProperty",
    "set",
    "deleteProperty",
    "preventExtensions",
    "isExtensible",
    "setPrototypeOf",
};

// Longer texts are no tool's name, and not copied to find that out.
constexpr int kLongestName = 4096;

// Frames of the call that an error of the tool shows.
constexpr int kCallerFrames = 4;

v8::Local<v8::Function> NewFunction(Scope& scope, v8::FunctionCallback callback,
                                    v8::Local<v8::Value> data = {}) {
  return v8::Function::New(scope.context, callback, data).ToLocalChecked();
}

}  // namespace

v8::Local<v8::Object> Tools::MakeObject(Scope& scope) {
  v8::Isolate* const isolate = scope.isolate;
  const v8::Local<v8::Object> target = v8::Object::New(isolate);
  const v8::Local<v8::Object> handler = v8::Object::New(isolate, v8::Null(isolate), nullptr, nullptr, 0);
  const auto set = [&](const char* name, v8::FunctionCallback callback) {
    handler->CreateDataProperty(scope.context, Ascii(isolate, name), NewFunction(scope, callback)).Check();
  };
  set("get", GetTrap);
  set(kFillTraps[0], FillTrap<0>);
  set(kFillTraps[1], FillTrap<1>);
  set(kFillTraps[2], FillTrap<2>);
  set(kFillTraps[3], FillTrap<3>);
  set(kFillTraps[4], FillTrap<4>);
  set(kFillTraps[5], FillTrap<5>);
  set(kFillTraps[6], FillTrap<6>);
  set(kFillTraps[7], FillTrap<7>);
  set(kFillTraps[8], FillTrap<8>);
  const v8::Local<v8::Object> proxy = v8::Proxy::New(scope.context, target, handler).ToLocalChecked();
  // The intrinsic Reflect and its functions, before any script could replace them.
  const v8::Local<v8::Object> reflect = scope.context->Global()
                                            ->Get(scope.context, Ascii(isolate, "Reflect"))
                                            .ToLocalChecked()
                                            .As<v8::Object>()
                                            ->Clone();
  proxy_.Reset(isolate, proxy);
  target_.Reset(isolate, target);
  handler_.Reset(isolate, handler);
  reflect_.Reset(isolate, reflect);
  return proxy;
}

void Tools::GetTrap(const v8::FunctionCallbackInfo<v8::Value>& info) {
  Scope scope(info.GetIsolate());
  Tools& self = scope.runtime.tools;
  if (info[1]->IsString() && info[1].As<v8::String>()->Length() <= kLongestName &&
      scope.runtime.control().tools) {
    const Text name = engine::ToText(scope.isolate, info[1].As<v8::String>());
    const int index = name.is_latin1() ? scope.runtime.control().tools->Find(name.latin1()) : -1;
    if (index >= 0) {
      info.GetReturnValue().Set(self.Function(scope, static_cast<uint32_t>(index)));
      return;
    }
  }
  // Reflect.get, with the receiver.
  const v8::Local<v8::Object> reflect = self.reflect_.Get(scope.isolate);
  v8::Local<v8::Value> get;
  v8::Local<v8::Value> arguments[] = {self.target_.Get(scope.isolate), info[1], info[2]};
  v8::Local<v8::Value> result;
  if (reflect->Get(scope.context, Ascii(scope.isolate, "get")).ToLocal(&get) &&
      get.As<v8::Function>()->Call(scope.context, reflect, 3, arguments).ToLocal(&result)) {
    info.GetReturnValue().Set(result);
  }
}

template <int trap>
void Tools::FillTrap(const v8::FunctionCallbackInfo<v8::Value>& info) {
  Scope scope(info.GetIsolate());
  Tools& self = scope.runtime.tools;
  self.Fill(scope);
  const v8::Local<v8::Object> reflect = self.reflect_.Get(scope.isolate);
  v8::Local<v8::Value> operation;
  if (!reflect->Get(scope.context, Ascii(scope.isolate, kFillTraps[trap])).ToLocal(&operation)) return;
  std::vector<v8::Local<v8::Value>> arguments;
  for (int i = 0; i < info.Length(); i++) arguments.push_back(info[i]);
  v8::Local<v8::Value> result;
  if (operation.As<v8::Function>()
          ->Call(scope.context, reflect, static_cast<int>(arguments.size()), arguments.data())
          .ToLocal(&result)) {
    info.GetReturnValue().Set(result);
  }
}

void Tools::Fill(Scope& scope) {
  if (filled_) return;
  filled_ = true;
  const v8::Local<v8::Object> target = target_.Get(scope.isolate);
  const ToolManifest& manifest = *scope.runtime.control().tools;
  for (const ToolEntry& entry : manifest.entries()) {
    const int index = manifest.Find(entry.global_name);
    const v8::Local<v8::Function> function = Function(scope, static_cast<uint32_t>(index));
    if (entry.global_name == "__proto__") {
      engine::SetPrototype(scope.context, target, function);
    } else {
      target->CreateDataProperty(scope.context, Ascii(scope.isolate, entry.global_name), function).Check();
    }
  }
  if (!scope.runtime.codex()) target->SetIntegrityLevel(scope.context, v8::IntegrityLevel::kFrozen).Check();
  // Without traps the proxy is its target.
  const v8::Local<v8::Object> handler = handler_.Get(scope.isolate);
  handler->Delete(scope.context, Ascii(scope.isolate, "get")).Check();
  for (const char* trap : kFillTraps) handler->Delete(scope.context, Ascii(scope.isolate, trap)).Check();
}

v8::Local<v8::Function> Tools::Function(Scope& scope, uint32_t index) {
  const auto found = functions_.find(index);
  if (found != functions_.end()) return found->second.Get(scope.isolate);
  const v8::Local<v8::Function> function =
      NewFunction(scope, Entry<Tools::Call>, v8::Integer::NewFromUnsigned(scope.isolate, index));
  function->SetName(Ascii(scope.isolate, scope.runtime.control().tools->entries()[index].global_name));
  functions_.emplace(index, v8::Global<v8::Function>(scope.isolate, function));
  return function;
}

v8::Local<v8::Array> Tools::AllTools(Scope& scope) {
  if (!all_tools_.IsEmpty()) return all_tools_.Get(scope.isolate);
  const auto& entries = scope.runtime.control().tools->entries();
  const bool frozen = !scope.runtime.codex();
  const v8::Local<v8::String> name = Ascii(scope.isolate, "name");
  const v8::Local<v8::String> description = Ascii(scope.isolate, "description");
  std::vector<v8::Local<v8::Value>> elements;
  for (const ToolEntry& entry : entries) {
    const v8::Local<v8::Object> element = v8::Object::New(scope.isolate);
    v8::Local<v8::String> text;
    if (!engine::ToString(scope.isolate, entry.description).ToLocal(&text))
      text = v8::String::Empty(scope.isolate);
    element->CreateDataProperty(scope.context, name, Ascii(scope.isolate, entry.global_name)).Check();
    element->CreateDataProperty(scope.context, description, text).Check();
    if (frozen) element->SetIntegrityLevel(scope.context, v8::IntegrityLevel::kFrozen).Check();
    elements.push_back(element);
  }
  const v8::Local<v8::Array> array = v8::Array::New(scope.isolate, elements.data(), elements.size());
  if (frozen) array->SetIntegrityLevel(scope.context, v8::IntegrityLevel::kFrozen).Check();
  all_tools_.Reset(scope.isolate, array);
  return array;
}

void Tools::AllTools(v8::Local<v8::Name>, const v8::PropertyCallbackInfo<v8::Value>& info) {
  Scope scope(info.GetIsolate());
  info.GetReturnValue().Set(scope.runtime.tools.AllTools(scope).As<v8::Value>());
}

void Tools::Call(Scope& scope, const v8::FunctionCallbackInfo<v8::Value>& info) {
  Tools& self = scope.runtime.tools;
  const uint32_t tool = info.Data().As<v8::Uint32>()->Value();
  const bool has_input = !info[0]->IsUndefined();
  Text input;
  v8::Local<v8::Value> refusal;
  if (has_input) {
    v8::TryCatch caught(scope.isolate);
    v8::Local<v8::String> json;
    const bool converted = engine::ToJsonString(scope.context, info[0]).ToLocal(&json);
    if (scope.runtime.stopping()) {
      caught.ReThrow();
      return;
    }
    if (!converted) {
      if (scope.runtime.codex()) return RethrowAsHelperError(scope, caught);
      if (caught.HasTerminated()) {
        caught.ReThrow();
        return;
      }
      const v8::Local<v8::Value> exception = caught.Exception();
      refusal = HelperError(scope, Describe(scope, exception).text,
                            {.name = {}, .code = {}, .data_json = {}, .cause = exception});
      caught.Reset();
    } else if (json->Length() == 0) {
      const Text message = Text::Latin1("tool input must be a JSON value; functions and symbols are not");
      if (scope.runtime.codex()) {
        ThrowHelperError(scope, message);
        caught.ReThrow();
        return;
      }
      refusal = HelperError(scope, message);
    } else if (!scope.runtime.FitsInput(json)) {
      return;
    } else {
      input = engine::ToText(scope.isolate, json);
    }
  }
  v8::Local<v8::Promise::Resolver> resolver;
  if (!v8::Promise::Resolver::New(scope.context).ToLocal(&resolver)) return;
  info.GetReturnValue().Set(resolver->GetPromise());
  if (!refusal.IsEmpty()) {
    (void)resolver->Reject(scope.context, refusal);
    return;
  }
  if (!scope.runtime.CountCall() || !scope.runtime.CountNativeState()) return;
  const uint32_t call = ++self.last_call_;
  Pending& pending = self.pending_[call];
  pending.resolver.Reset(scope.isolate, resolver);
  if (!scope.runtime.codex()) pending.caller = self.callers_.Current(scope.isolate, kCallerFrames);
  scope.runtime.EmitCall(call, tool, has_input, std::move(input));
}

void Tools::Answer(Scope& scope, const ToolAnswer& answer) {
  const auto found = pending_.find(answer.call);
  if (found == pending_.end()) return;
  const v8::Local<v8::Promise::Resolver> resolver = found->second.resolver.Get(scope.isolate);
  const engine::CallSite site = std::move(found->second.caller);
  pending_.erase(found);
  v8::TryCatch caught(scope.isolate);
  if (!answer.ok) {
    const v8::Local<v8::StackTrace> caller = site ? site->Get(scope.isolate) : v8::Local<v8::StackTrace>();
    const v8::Local<v8::Value> error = HelperError(scope, answer.message,
                                                   {.name = answer.name,
                                                    .code = answer.code,
                                                    .data_json = answer.data_json,
                                                    .cause = {},
                                                    .caller = caller});
    if (error->IsObject()) {
      const auto brand = v8::Private::ForApi(scope.isolate, Ascii(scope.isolate, "codecell.toolError"));
      (void)error.As<v8::Object>()->SetPrivate(scope.context, brand, v8::True(scope.isolate));
    }
    (void)resolver->Reject(scope.context, error);
    return;
  }
  v8::Local<v8::Value> value;
  if (engine::FromJson(scope.context, answer.json).ToLocal(&value)) {
    (void)resolver->Resolve(scope.context, value);
  } else if (!caught.HasTerminated()) {
    const Text reason = DescribeQuietly(scope, caught.Exception());
    caught.Reset();
    (void)resolver->Reject(
        scope.context,
        HelperError(scope, Text::FromUtf8("the tool's result could not be read: " + reason.ToUtf8())));
  }
}

std::vector<uint32_t> Tools::Unanswered() const {
  std::vector<uint32_t> calls;
  calls.reserve(pending_.size());
  for (const auto& [call, resolver] : pending_) calls.push_back(call);
  std::sort(calls.begin(), calls.end());
  return calls;
}

}  // namespace codecell::cell
