// Strings and JSON between V8 and plain data. [isolate]
#pragma once

#include <v8.h>

#include <optional>
#include <string_view>

#include "base/text.h"

namespace codecell::engine {

base::Text ToText(v8::Isolate* isolate, v8::Local<v8::String> string);
// The first `most` code units of the string.
base::Text HeadOf(v8::Isolate* isolate, v8::Local<v8::String> string, int most);
// What the characters take as V8 keeps them, found without copying any.
size_t BytesOf(v8::Local<v8::String> string);
// Empty when the text is longer than a V8 string can be (an exception is pending then).
v8::MaybeLocal<v8::String> ToString(v8::Isolate* isolate, const base::Text& text);
// A short ASCII constant.
v8::Local<v8::String> Ascii(v8::Isolate* isolate, std::string_view text);

// The value as JSON text; nothing when script threw or was stopped meanwhile (the exception is pending).
// Values without a JSON form (undefined, functions, symbols) give an empty text.
std::optional<base::Text> ToJson(v8::Local<v8::Context> context, v8::Local<v8::Value> value);
// The same as a string of V8's, which may be too large to be copied out of it; empty for values without a
// JSON form.
v8::MaybeLocal<v8::String> ToJsonString(v8::Local<v8::Context> context, v8::Local<v8::Value> value);
v8::MaybeLocal<v8::Value> FromJson(v8::Local<v8::Context> context, const base::Text& json);

v8::Local<v8::Value> PrototypeOf(v8::Local<v8::Object> object);
void SetPrototype(v8::Local<v8::Context> context, v8::Local<v8::Object> object,
                  v8::Local<v8::Value> prototype);

// [host] Reads a JavaScript string that N-API holds; `value` is a napi_value of string type.
base::Text TextOfHostString(void* value);

}  // namespace codecell::engine
