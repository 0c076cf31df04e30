#include <optional>
#include <string>
#include <utility>

#include "cell/errors.h"
#include "cell/helpers.h"
#include "cell/runtime.h"
#include "engine/values.h"

namespace codecell::cell {

using base::Text;

namespace {

// A Map as an array of its [key, value] pairs, a Set as an array of its values.
v8::Local<v8::Value> EntriesOf(Scope& scope, v8::Local<v8::Value> value) {
  if (value->IsSet()) return value.As<v8::Set>()->AsArray();
  const v8::Local<v8::Array> flat = value.As<v8::Map>()->AsArray();
  std::vector<v8::Local<v8::Value>> pairs;
  for (uint32_t i = 0; i + 1 < flat->Length(); i += 2) {
    v8::Local<v8::Value> pair[2];
    if (!flat->Get(scope.context, i).ToLocal(&pair[0]) || !flat->Get(scope.context, i + 1).ToLocal(&pair[1]))
      continue;
    pairs.push_back(v8::Array::New(scope.isolate, pair, 2));
  }
  return v8::Array::New(scope.isolate, pairs.data(), pairs.size());
}

// The value as text() and notify() show it. Nothing when that threw; the helper's error is pending then.
std::optional<Text> Show(Scope& scope, v8::Local<v8::Value> value) {
  v8::TryCatch caught(scope.isolate);
  v8::Local<v8::String> string;
  if (value->IsString()) {
    string = value.As<v8::String>();
  } else if (value->IsNullOrUndefined() || value->IsBoolean() || value->IsNumber() || value->IsBigInt()) {
    if (!value->ToString(scope.context).ToLocal(&string)) {
      RethrowAsHelperError(scope, caught);
      return std::nullopt;
    }
  } else {
    v8::Local<v8::Value> shown = value;
    if (!scope.runtime.codex()) {
      if (value->IsNativeError()) {
        const Thrown error = Describe(scope, value);
        if (!scope.runtime.stopping()) return error.stack.empty() ? error.text : error.stack;
      } else if (value->IsMap() || value->IsSet()) {
        shown = EntriesOf(scope, value);
      }
    }
    v8::Local<v8::String> json;
    if (!engine::ToJsonString(scope.context, shown).ToLocal(&json)) {
      RethrowAsHelperError(scope, caught);
      return std::nullopt;
    }
    if (!scope.runtime.FitsOutput(json)) return std::nullopt;
    return json->Length() == 0 ? Text::Latin1("undefined") : engine::ToText(scope.isolate, json);
  }
  if (!scope.runtime.FitsOutput(string)) return std::nullopt;
  Text text = engine::ToText(scope.isolate, string);
  text.MakeWellFormed();
  return text;
}

// The key of a stored value. Nothing when it has none; the helper's error is pending then.
std::optional<std::string> Key(Scope& scope, v8::Local<v8::Value> value, std::string_view symbol_message) {
  if (value->IsSymbol()) {
    ThrowHelperError(scope, symbol_message);
    return std::nullopt;
  }
  v8::TryCatch caught(scope.isolate);
  v8::Local<v8::String> key;
  if (!value->ToString(scope.context).ToLocal(&key)) {
    RethrowAsHelperError(scope, caught);
    return std::nullopt;
  }
  if (!scope.runtime.FitsStore(key)) return std::nullopt;
  return engine::ToText(scope.isolate, key).ToUtf8();
}

}  // namespace

void TextHelper(Scope& scope, CallInfo info) {
  if (std::optional<Text> text = Show(scope, info[0])) scope.runtime.EmitText(std::move(*text));
}

void NotifyHelper(Scope& scope, CallInfo info) {
  std::optional<Text> text = Show(scope, info[0]);
  if (!text) return;
  if (text->IsBlank()) return ThrowHelperError(scope, "notify expects non-empty text");
  scope.runtime.Notify(std::move(*text));
}

void YieldControlHelper(Scope& scope, CallInfo) { scope.runtime.Yield(); }

void ExitHelper(Scope& scope, CallInfo) { scope.runtime.Exit(); }

void StoreHelper(Scope& scope, CallInfo info) {
  std::optional<std::string> key = Key(scope, info[0], "store key must be a string");
  if (!key || scope.runtime.stopping()) return;
  v8::TryCatch caught(scope.isolate);
  v8::Local<v8::String> json;
  if (!engine::ToJsonString(scope.context, info[1]).ToLocal(&json))
    return RethrowAsHelperError(scope, caught);
  if (scope.runtime.stopping() || !scope.runtime.FitsStore(json)) return;
  if (json->Length() == 0) {
    // A key is shown in part only where it is no name but data.
    ThrowHelperError(scope, Text::FromUtf8("Unable to store \"" + key->substr(0, 32 * 1024) +
                                           "\". Only plain serializable objects can be stored."));
    caught.ReThrow();
    return;
  }
  scope.runtime.Store(std::move(*key), engine::ToText(scope.isolate, json));
}

void LoadHelper(Scope& scope, CallInfo info) {
  const std::optional<std::string> key = Key(scope, info[0], "load key must be a string");
  if (!key || scope.runtime.stopping()) return;
  const base::ValueStore::Value json = scope.runtime.Load(*key);
  v8::Local<v8::Value> value;
  if (json && engine::FromJson(scope.context, *json).ToLocal(&value)) info.GetReturnValue().Set(value);
}

}  // namespace codecell::cell
