#include "engine/values.h"

#include <algorithm>
#include <cstring>

namespace codecell::engine {

using base::Text;

Text ToText(v8::Isolate* isolate, v8::Local<v8::String> string) {
  return HeadOf(isolate, string, string->Length());
}

size_t BytesOf(v8::Local<v8::String> string) {
  const size_t length = static_cast<size_t>(string->Length());
  return string->IsOneByte() || string->ContainsOnlyOneByte() ? length : length * 2;
}

Text HeadOf(v8::Isolate* isolate, v8::Local<v8::String> string, int most) {
  const int length = std::min(string->Length(), most);
  if (string->IsOneByte() || string->ContainsOnlyOneByte()) {
    std::string latin1(length, '\0');
    auto* const data = reinterpret_cast<uint8_t*>(latin1.data());
#if V8_MAJOR_VERSION >= 13
    string->WriteOneByteV2(isolate, 0, length, data);
#else
    string->WriteOneByte(isolate, data, 0, length, v8::String::NO_NULL_TERMINATION);
#endif
    return Text::Latin1(std::move(latin1));
  }
  std::u16string utf16(length, u'\0');
  auto* const data = reinterpret_cast<uint16_t*>(utf16.data());
#if V8_MAJOR_VERSION >= 13
  string->WriteV2(isolate, 0, length, data);
#else
  string->Write(isolate, data, 0, length, v8::String::NO_NULL_TERMINATION);
#endif
  return Text::Utf16(std::move(utf16));
}

v8::MaybeLocal<v8::String> ToString(v8::Isolate* isolate, const Text& text) {
  if (text.length() > static_cast<size_t>(v8::String::kMaxLength)) {
    isolate->ThrowException(v8::Exception::RangeError(Ascii(isolate, "Invalid string length")));
    return {};
  }
  const int length = static_cast<int>(text.length());
  if (length == 0) return v8::String::Empty(isolate);
  if (text.is_latin1()) {
    return v8::String::NewFromOneByte(isolate, reinterpret_cast<const uint8_t*>(text.latin1().data()),
                                      v8::NewStringType::kNormal, length);
  }
  return v8::String::NewFromTwoByte(isolate, reinterpret_cast<const uint16_t*>(text.utf16().data()),
                                    v8::NewStringType::kNormal, length);
}

v8::Local<v8::String> Ascii(v8::Isolate* isolate, std::string_view text) {
  return v8::String::NewFromOneByte(isolate, reinterpret_cast<const uint8_t*>(text.data()),
                                    v8::NewStringType::kInternalized, static_cast<int>(text.size()))
      .ToLocalChecked();
}

v8::MaybeLocal<v8::String> ToJsonString(v8::Local<v8::Context> context, v8::Local<v8::Value> value) {
  v8::Isolate* const isolate = v8::Isolate::GetCurrent();
  v8::Local<v8::String> json;
  if (!v8::JSON::Stringify(context, value).ToLocal(&json)) return {};
  // V8 converts a missing result to this word, which is no JSON text.
  if (json->StringEquals(Ascii(isolate, "undefined"))) return v8::String::Empty(isolate);
  return json;
}

std::optional<Text> ToJson(v8::Local<v8::Context> context, v8::Local<v8::Value> value) {
  v8::Local<v8::String> json;
  if (!ToJsonString(context, value).ToLocal(&json)) return std::nullopt;
  return ToText(v8::Isolate::GetCurrent(), json);
}

v8::MaybeLocal<v8::Value> FromJson(v8::Local<v8::Context> context, const Text& json) {
  v8::Local<v8::String> string;
  if (!ToString(v8::Isolate::GetCurrent(), json).ToLocal(&string)) return {};
  return v8::JSON::Parse(context, string);
}

v8::Local<v8::Value> PrototypeOf(v8::Local<v8::Object> object) {
#if V8_MAJOR_VERSION >= 13
  return object->GetPrototypeV2();
#else
  return object->GetPrototype();
#endif
}

void SetPrototype(v8::Local<v8::Context> context, v8::Local<v8::Object> object,
                  v8::Local<v8::Value> prototype) {
#if V8_MAJOR_VERSION >= 13
  (void)object->SetPrototypeV2(context, prototype);
#else
  (void)object->SetPrototype(context, prototype);
#endif
}

Text TextOfHostString(void* value) {
  // N-API's values are V8's local handles: the same one pointer.
  v8::Local<v8::Value> local;
  static_assert(sizeof(local) == sizeof(value));
  std::memcpy(static_cast<void*>(&local), static_cast<const void*>(&value), sizeof(local));
  return ToText(v8::Isolate::GetCurrent(), local.As<v8::String>());
}

}  // namespace codecell::engine
