#include "cell/errors.h"

#include <algorithm>
#include <cstdio>
#include <string>

#include "cell/runtime.h"
#include "engine/values.h"

namespace codecell::cell {

using base::Text;
using engine::Ascii;

namespace {

constexpr std::string_view kMainModule = "exec_main.mjs";

// Marks errors made by helpers; holds the message they were made with.
v8::Local<v8::Private> HelperBrand(v8::Isolate* isolate) {
  return v8::Private::ForApi(isolate, Ascii(isolate, "codecell.helperError"));
}

v8::Local<v8::Private> ToolBrand(v8::Isolate* isolate) {
  return v8::Private::ForApi(isolate, Ascii(isolate, "codecell.toolError"));
}

void DefineHidden(Scope& scope, v8::Local<v8::Object> object, std::string_view key,
                  v8::Local<v8::Value> value) {
  object->DefineOwnProperty(scope.context, Ascii(scope.isolate, key), value, v8::DontEnum).Check();
}

void MessageOf(const v8::FunctionCallbackInfo<v8::Value>& info) {
  v8::Isolate* const isolate = info.GetIsolate();
  v8::Local<v8::Value> message;
  if (info.This()->Get(isolate->GetCurrentContext(), Ascii(isolate, "message")).ToLocal(&message)) {
    info.GetReturnValue().Set(message);
  }
}

v8::Local<v8::Object> ErrorPrototype(Scope& scope) {
  v8::Global<v8::Object>& cached = scope.runtime.error_prototype;
  if (cached.IsEmpty()) {
    const v8::Local<v8::Object> base =
        v8::Exception::Error(v8::String::Empty(scope.isolate)).As<v8::Object>();
    // The intrinsic, not whatever the script has put in the global `Error`.
    v8::Local<v8::Object> prototype = v8::Object::New(scope.isolate);
    engine::SetPrototype(scope.context, prototype, engine::PrototypeOf(base));
    DefineHidden(scope, prototype, "toString", v8::Function::New(scope.context, MessageOf).ToLocalChecked());
    cached.Reset(scope.isolate, prototype);
  }
  return cached.Get(scope.isolate);
}

// Code units of an error's text that the host is told, and what is read of a string to tell them.
constexpr int kMostErrorText = 32 * 1024;
constexpr int kMostRead = 4 * 1024 * 1024;

v8::Local<v8::String> StringOrEmpty(v8::Isolate* isolate, const Text& text) {
  v8::Local<v8::String> string;
  return engine::ToString(isolate, text).ToLocal(&string) ? string : v8::String::Empty(isolate);
}

// A property of an object if reading it gives a string.
bool ReadString(Scope& scope, v8::Local<v8::Object> object, std::string_view key, Text* text) {
  v8::Local<v8::Value> value;
  if (!object->Get(scope.context, Ascii(scope.isolate, key)).ToLocal(&value) || !value->IsString())
    return false;
  *text = ErrorText(scope.isolate, value.As<v8::String>());
  return true;
}

void ReadPosition(Scope& scope, v8::Local<v8::Message> message, Thrown* thrown) {
  const v8::Local<v8::Value> name = message->GetScriptResourceName();
  if (name.IsEmpty() || !name->IsString() || !name->StrictEquals(Ascii(scope.isolate, kMainModule))) return;
  thrown->line = message->GetLineNumber(scope.context).FromMaybe(0);
  if (thrown->line > 0) thrown->column = message->GetStartColumn(scope.context).FromMaybe(-1) + 1;
}

// A stack trace as V8 writes it below an error's message.
std::string Frames(Scope& scope, v8::Local<v8::StackTrace> trace) {
  std::string text;
  for (int i = 0; i < trace->GetFrameCount(); i++) {
    const v8::Local<v8::StackFrame> frame = trace->GetFrame(scope.isolate, i);
    const auto read = [&](v8::Local<v8::String> name) {
      return name.IsEmpty() ? std::string() : engine::HeadOf(scope.isolate, name, 256).ToUtf8();
    };
    const std::string function = read(frame->GetFunctionName());
    std::string place = read(frame->GetScriptNameOrSourceURL());
    place.append(":").append(std::to_string(frame->GetLineNumber()));
    place.append(":").append(std::to_string(frame->GetColumn()));
    text.append("\n    at ").append(function.empty() ? place : function + " (" + place + ")");
  }
  return text;
}

// The position in the first frame that lies in the script. V8 forgets it for errors whose stack was read
// before.
void ReadPositionFromStack(Thrown* thrown) {
  const std::string stack = thrown->stack.ToUtf8();
  const std::string prefix = std::string(kMainModule) + ":";
  const size_t found = stack.find(prefix, 0);
  if (found == std::string::npos) return;
  int line = 0;
  int column = 0;
  if (std::sscanf(stack.c_str() + found + prefix.size(), "%9d:%9d", &line, &column) != 2) return;
  thrown->line = line;
  thrown->column = column;
}

// The source line with a mark under the column, cut to what fits a terminal.
std::string Excerpt(const std::string& line, int column) {
  constexpr int kWidth = 120;
  const int length = static_cast<int>(line.size());
  const int at = std::clamp(column - 1, 0, length);
  const int from = std::max(0, std::min(at - kWidth / 2, length - kWidth));
  std::string shown = line.substr(from, kWidth);
  std::replace(shown.begin(), shown.end(), '\t', ' ');
  std::string excerpt = "    ";
  excerpt.append(shown).append("\n    ").append(static_cast<size_t>(at - from), ' ').append("^");
  return excerpt;
}

}  // namespace

v8::Local<v8::Value> HelperError(Scope& scope, const Text& message, const ErrorParts& parts) {
  v8::Isolate* const isolate = scope.isolate;
  const v8::Local<v8::String> text = StringOrEmpty(isolate, message);
  if (scope.runtime.codex()) return text;

  v8::TryCatch quiet(isolate);
  const v8::Local<v8::Object> prototype = ErrorPrototype(scope);
  const v8::Local<v8::Object> error = v8::Exception::Error(text).As<v8::Object>();
  // V8 puts "name: message" at the head of the stack when the stack is first read; without a name that is the
  // message alone.
  DefineHidden(scope, error, "name", v8::String::Empty(isolate));
  v8::Local<v8::Value> ignored;
  (void)error->Get(scope.context, Ascii(isolate, "stack")).ToLocal(&ignored);
  if (parts.name.empty()) {
    (void)error->Delete(scope.context, Ascii(isolate, "name"));
  } else {
    DefineHidden(scope, error, "name", StringOrEmpty(isolate, parts.name));
  }
  engine::SetPrototype(scope.context, error, prototype);
  if (!parts.caller.IsEmpty()) {
    const std::string stack = message.ToUtf8() + Frames(scope, parts.caller);
    DefineHidden(scope, error, "stack", StringOrEmpty(isolate, Text::FromUtf8(stack)));
  }
  if (!parts.cause.IsEmpty()) DefineHidden(scope, error, "cause", parts.cause);
  if (!parts.code.empty()) {
    (void)error->CreateDataProperty(scope.context, Ascii(isolate, "code"),
                                    StringOrEmpty(isolate, parts.code));
  }
  v8::Local<v8::Value> data;
  if (!parts.data_json.empty() && engine::FromJson(scope.context, parts.data_json).ToLocal(&data)) {
    (void)error->CreateDataProperty(scope.context, Ascii(isolate, "data"), data);
  }
  (void)error->SetPrivate(scope.context, HelperBrand(isolate), text);
  return error;
}

void ThrowHelperError(Scope& scope, std::string_view ascii_message) {
  ThrowHelperError(scope, Text::Latin1(std::string(ascii_message)));
}

void ThrowHelperError(Scope& scope, const Text& message, const ErrorParts& parts) {
  scope.isolate->ThrowException(HelperError(scope, message, parts));
}

void RethrowAsHelperError(Scope& scope, v8::TryCatch& caught) {
  if (!caught.HasCaught()) return;
  if (caught.HasTerminated() || scope.runtime.stopping()) {
    caught.ReThrow();
    return;
  }
  const v8::Local<v8::Value> exception = caught.Exception();
  // One helper's error passing through another stays as it is.
  if (exception->IsObject() &&
      exception.As<v8::Object>()->HasPrivate(scope.context, HelperBrand(scope.isolate)).FromMaybe(false)) {
    caught.ReThrow();
    return;
  }
  const Thrown thrown = Describe(scope, exception);
  if (scope.runtime.stopping() || scope.isolate->IsExecutionTerminating()) {
    caught.ReThrow();
    return;
  }
  const v8::Local<v8::Value> error =
      HelperError(scope, thrown.text, {.name = {}, .code = {}, .data_json = {}, .cause = exception});
  caught.Reset();
  scope.isolate->ThrowException(error);
  caught.ReThrow();
}

Text DescribeQuietly(Scope& scope, v8::Local<v8::Value> value) {
  v8::TryCatch quiet(scope.isolate);
  v8::Local<v8::String> detail;
  if (!value->ToDetailString(scope.context).ToLocal(&detail)) return Text::Latin1("unknown");
  return ErrorText(scope.isolate, detail);
}

Text ErrorText(v8::Isolate* isolate, v8::Local<v8::String> string) {
  const int length = string->Length();
  if (length > kMostRead) return Text::Latin1("(a text of " + std::to_string(length) + " characters)");
  Text text = engine::HeadOf(isolate, string, kMostErrorText);
  text.MakeWellFormed();
  if (length <= kMostErrorText) return text;
  return text.Followed("... (" + std::to_string(length - kMostErrorText) + " more characters)");
}

bool IsToolError(Scope& scope, v8::Local<v8::Value> value) {
  return value->IsObject() &&
         value.As<v8::Object>()->HasPrivate(scope.context, ToolBrand(scope.isolate)).FromMaybe(false);
}

Thrown Describe(Scope& scope, v8::Local<v8::Value> value) {
  Thrown thrown;
  v8::TryCatch guard(scope.isolate);
  if (value->IsNativeError())
    ReadPosition(scope, v8::Exception::CreateMessage(scope.isolate, value), &thrown);
  if (value->IsObject()) {
    const v8::Local<v8::Object> object = value.As<v8::Object>();
    const bool has_stack = ReadString(scope, object, "stack", &thrown.stack);
    if (thrown.line == 0 && has_stack && value->IsNativeError()) ReadPositionFromStack(&thrown);
    const bool stack_failed = guard.HasCaught();
    guard.Reset();
    v8::Local<v8::Value> brand;
    if (object->GetPrivate(scope.context, HelperBrand(scope.isolate)).ToLocal(&brand) && brand->IsString()) {
      thrown.by_helper = true;
      thrown.by_tool = IsToolError(scope, value);
      thrown.text = thrown.message = ErrorText(scope.isolate, brand.As<v8::String>());
      return thrown;
    }
    if (has_stack) {
      thrown.text = thrown.stack;
      if (!value->IsNativeError() || !ReadString(scope, object, "message", &thrown.message)) {
        guard.Reset();
        thrown.message = thrown.text;
      }
      return thrown;
    }
    if (stack_failed || scope.isolate->IsExecutionTerminating()) {
      thrown.message = DescribeQuietly(scope, value);
      thrown.text = thrown.message;
      return thrown;
    }
  }
  v8::Local<v8::String> string;
  if (value->ToString(scope.context).ToLocal(&string)) {
    thrown.text = ErrorText(scope.isolate, string);
    thrown.message = thrown.text;
    return thrown;
  }
  thrown.message = DescribeQuietly(scope, value);
  // Symbols and objects without any conversion have no text; where the script's own code failed, say what is
  // known.
  const bool no_conversion =
      value->IsSymbol() || (!guard.HasTerminated() && guard.Exception()->IsNativeError() &&
                            DescribeQuietly(scope, guard.Exception())
                                .Equals("TypeError: Cannot convert object to primitive value"));
  if (!no_conversion) thrown.text = thrown.message;
  return thrown;
}

Thrown DescribeSyntaxError(Scope& scope, v8::TryCatch& caught, bool with_position) {
  Thrown thrown;
  const v8::Local<v8::Value> exception = caught.Exception();
  thrown.text = DescribeQuietly(scope, exception);
  thrown.message = thrown.text;
  if (exception->IsObject()) (void)ReadString(scope, exception.As<v8::Object>(), "message", &thrown.message);
  const v8::Local<v8::Message> message = caught.Message();
  if (message.IsEmpty()) return thrown;
  ReadPosition(scope, message, &thrown);
  if (!with_position || thrown.line <= 0) return thrown;
  std::string text = thrown.text.ToUtf8();
  text.append("\n    at ").append(kMainModule);
  text.append(":").append(std::to_string(thrown.line)).append(":").append(std::to_string(thrown.column));
  v8::Local<v8::String> line;
  if (message->GetSourceLine(scope.context).ToLocal(&line)) {
    const Text source = line->Length() > kMostRead ? Text() : engine::ToText(scope.isolate, line);
    if (source.is_latin1()) {
      text.append("\n").append(Excerpt(source.latin1(), thrown.column));
    } else {
      text.append("\n    ").append(source.ToUtf8().substr(0, 400));
    }
  }
  thrown.text = Text::FromUtf8(text);
  return thrown;
}

}  // namespace codecell::cell
