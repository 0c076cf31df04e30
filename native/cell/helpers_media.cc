#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <utility>

#include "base/audio_clip.h"
#include "cell/errors.h"
#include "cell/helpers.h"
#include "cell/runtime.h"
#include "engine/values.h"

namespace codecell::cell {

using base::Text;
using engine::Ascii;

namespace {

constexpr const char* kDetails[] = {"auto", "low", "high", "original"};
constexpr const char* kDefaultDetail = "high";

// What tells image() and audio() apart.
struct Medium {
  std::string_view name;          // "image"
  std::string_view url_property;  // "image_url"
  std::string_view expects;
};
constexpr Medium kImage = {"image", "image_url",
                           "image expects a non-empty image URL string, an object with image_url and "
                           "optional detail, or a raw MCP image block"};
constexpr Medium kAudio = {
    "audio", "audio_url",
    "audio expects a non-empty audio URL string, an object with audio_url, or a raw MCP audio block"};

bool IsNonEmptyString(v8::Local<v8::Value> value) {
  return value->IsString() && value.As<v8::String>()->Length() > 0;
}

bool StartsWith(const Text& text, std::string_view lower_case) {
  if (text.length() < lower_case.size()) return false;
  for (size_t i = 0; i < lower_case.size(); i++) {
    const char16_t unit = text.at(i);
    const char16_t lower = unit >= 'A' && unit <= 'Z' ? static_cast<char16_t>(unit + 32) : unit;
    if (lower != static_cast<char16_t>(lower_case[i])) return false;
  }
  return true;
}

// The constant that a detail names, in any case of letters; null for none of them.
const char* DetailNamed(const Text& text) {
  for (const char* detail : kDetails) {
    if (text.length() == std::string_view(detail).size() && StartsWith(text, detail)) return detail;
  }
  return nullptr;
}

// Empty, and the cell is stopped, when it could not be put out anyway.
Text TextOf(Scope& scope, v8::Local<v8::Value> string) {
  if (!scope.runtime.FitsOutput(string.As<v8::String>())) return {};
  Text text = engine::ToText(scope.isolate, string.As<v8::String>());
  text.MakeWellFormed();
  return text;
}

// An own property of an object that JSON made; undefined when there is none. Runs no script.
v8::Local<v8::Value> Own(Scope& scope, v8::Local<v8::Object> object, std::string_view key) {
  const v8::Local<v8::String> name = Ascii(scope.isolate, key);
  v8::Local<v8::Value> value;
  if (object->HasOwnProperty(scope.context, name).FromMaybe(false) &&
      object->Get(scope.context, name).ToLocal(&value)) {
    return value;
  }
  return v8::Undefined(scope.isolate);
}

v8::Local<v8::Value> MimeOf(Scope& scope, v8::Local<v8::Object> block) {
  const v8::Local<v8::Value> mime = Own(scope, block, "mimeType");
  return mime->IsUndefined() ? Own(scope, block, "mime_type") : mime;
}

Text Concatenate(Scope& scope, std::string_view ascii, const Text& text) {
  if (text.is_latin1()) return Text::Latin1(std::string(ascii) + text.latin1());
  return Text::Utf16(std::u16string(ascii.begin(), ascii.end()) + text.utf16());
}

// `data` as a data URL; one that already is one stays. `mime` counts when it is a string.
Text DataUrl(Scope& scope, v8::Local<v8::Value> data, v8::Local<v8::Value> mime, bool empty_mime_counts) {
  Text payload = TextOf(scope, data);
  if (StartsWith(payload, "data:")) return payload;
  const bool has_mime = mime->IsString() && (empty_mime_counts || IsNonEmptyString(mime));
  const std::string type = has_mime ? TextOf(scope, mime).ToUtf8() : "application/octet-stream";
  const Text prefix = Text::FromUtf8("data:" + type + ";base64,");
  if (prefix.is_latin1()) return Concatenate(scope, prefix.latin1(), payload);
  return Text::FromUtf8(prefix.ToUtf8() + payload.ToUtf8());
}

// The image detail that MCP metadata asks for; null when it asks for none that exists.
const char* MetaDetail(Scope& scope, v8::Local<v8::Object> block) {
  const v8::Local<v8::Value> meta = Own(scope, block, "_meta");
  if (!meta->IsObject()) return nullptr;
  const v8::Local<v8::Value> detail = Own(scope, meta.As<v8::Object>(), "codex/imageDetail");
  return detail->IsString() ? DetailNamed(TextOf(scope, detail)) : nullptr;
}

// The value after a JSON round trip; empty when it has no JSON form. `failed`: a helper's error is pending.
v8::MaybeLocal<v8::Value> RoundTrip(Scope& scope, v8::Local<v8::Value> value, bool* failed,
                                    Text* json_text = nullptr) {
  v8::TryCatch caught(scope.isolate);
  std::optional<Text> json = engine::ToJson(scope.context, value);
  v8::Local<v8::Value> parsed;
  if (!json || scope.runtime.stopping()) {
    *failed = true;
    RethrowAsHelperError(scope, caught);
    return {};
  }
  if (json->empty() || !engine::FromJson(scope.context, *json).ToLocal(&parsed)) return {};
  if (json_text != nullptr) *json_text = std::move(*json);
  return parsed;
}

// Reads an optional detail. False when it is invalid; the error is pending then.
bool ReadDetail(Scope& scope, v8::Local<v8::Value> value, const char** detail) {
  if (value->IsNullOrUndefined()) return true;
  if (!value->IsString()) {
    ThrowHelperError(scope, "image detail must be a string when provided");
    return false;
  }
  *detail = DetailNamed(TextOf(scope, value));
  if (*detail == nullptr) ThrowHelperError(scope, "image detail must be one of: auto, low, high, original");
  return *detail != nullptr;
}

struct Source {
  Text url;
  const char* detail = nullptr;
};

// Reads what image() and audio() accept. Nothing when it is something else; the error is pending then.
std::optional<Source> ReadSource(Scope& scope, const Medium& medium, v8::Local<v8::Value> value,
                                 v8::Local<v8::Value> detail_argument) {
  const bool is_image = &medium == &kImage;
  Source source;
  v8::Local<v8::Value> url = value;
  v8::Local<v8::Value> own_detail = v8::Undefined(scope.isolate);
  if (value->IsObject()) {
    v8::TryCatch caught(scope.isolate);
    const v8::Local<v8::Object> object = value.As<v8::Object>();
    if (!object->Get(scope.context, Ascii(scope.isolate, medium.url_property)).ToLocal(&url) ||
        (is_image && !url->IsUndefined() && detail_argument->IsNullOrUndefined() &&
         !object->Get(scope.context, Ascii(scope.isolate, "detail")).ToLocal(&own_detail))) {
      RethrowAsHelperError(scope, caught);
      return std::nullopt;
    }
    if (scope.runtime.stopping()) return std::nullopt;
  }
  if (value->IsObject() && url->IsUndefined()) {
    bool failed = false;
    v8::Local<v8::Value> parsed;
    const bool has_json = RoundTrip(scope, value, &failed).ToLocal(&parsed);
    if (failed) return std::nullopt;
    const v8::Local<v8::Value> type = has_json && parsed->IsObject()
                                          ? Own(scope, parsed.As<v8::Object>(), "type")
                                          : v8::Undefined(scope.isolate).As<v8::Value>();
    if (!type->IsString()) {
      ThrowHelperError(scope, medium.expects);
      return std::nullopt;
    }
    const v8::Local<v8::Object> block = parsed.As<v8::Object>();
    const Text type_name = TextOf(scope, type);
    if (!type_name.Equals(medium.name)) {
      const std::string name(medium.name);
      ThrowHelperError(scope, Text::FromUtf8(name + " only accepts MCP " + name + " blocks, got \"" +
                                             type_name.ToUtf8() + "\""));
      return std::nullopt;
    }
    const v8::Local<v8::Value> data = Own(scope, block, "data");
    if (!IsNonEmptyString(data)) {
      ThrowHelperError(scope,
                       std::string(medium.name) + " expected MCP " + std::string(medium.name) + " data");
      return std::nullopt;
    }
    source.url = DataUrl(scope, data, MimeOf(scope, block), false);
    if (is_image) source.detail = MetaDetail(scope, block);
  } else {
    if (!IsNonEmptyString(url)) {
      ThrowHelperError(scope, medium.expects);
      return std::nullopt;
    }
    source.url = TextOf(scope, url);
  }
  const v8::Local<v8::Value> detail = detail_argument->IsNullOrUndefined() ? own_detail : detail_argument;
  if (is_image && !ReadDetail(scope, detail, &source.detail)) return std::nullopt;
  return source;
}

void EmitAudioOrNote(Scope& scope, Text url) {
  if (url.is_latin1() && base::IsShortAudioDataUrl(url.latin1())) {
    scope.runtime.EmitText(
        Text::Latin1("Audio output omitted because the clip is shorter than 25 ms; use a longer clip."));
  } else {
    scope.runtime.EmitAudio(std::move(url));
  }
}

// image(value, detail). False when it was refused; the error is pending then.
bool EmitImageOf(Scope& scope, v8::Local<v8::Value> value, v8::Local<v8::Value> detail) {
  std::optional<Source> source = ReadSource(scope, kImage, value, detail);
  if (!source || scope.runtime.stopping()) return false;
  if (!StartsWith(source->url, "data:")) {
    const bool remote = StartsWith(source->url, "http:") || StartsWith(source->url, "https:");
    if (!remote) {
      ThrowHelperError(scope, "Tool call failed: invalid image output. Pass a base64 data URI instead");
      return false;
    }
    if (!scope.runtime.control().options.remote_images) {
      ThrowHelperError(scope,
                       "Tool call failed: remote image URLs are not supported in tool outputs. Pass a base64 "
                       "data URI instead");
      return false;
    }
  }
  scope.runtime.EmitImage(std::move(source->url),
                          source->detail == nullptr ? kDefaultDetail : source->detail);
  return true;
}

bool IsOptional(v8::Local<v8::Value> value, bool (v8::Value::*is)() const) {
  return value->IsNullOrUndefined() || ((*value)->*is)();
}

bool IsOptionalRecord(v8::Local<v8::Value> value) {
  return value->IsNullOrUndefined() || (value->IsObject() && !value->IsArray());
}

// Whether a resource link's known members have their types.
bool IsResourceLink(Scope& scope, v8::Local<v8::Object> block) {
  const v8::Local<v8::Value> size = Own(scope, block, "size");
  const bool size_ok =
      size->IsNullOrUndefined() ||
      (size->IsNumber() && std::trunc(size.As<v8::Number>()->Value()) == size.As<v8::Number>()->Value());
  return Own(scope, block, "uri")->IsString() && Own(scope, block, "name")->IsString() && size_ok &&
         IsOptional(Own(scope, block, "title"), &v8::Value::IsString) &&
         IsOptional(Own(scope, block, "description"), &v8::Value::IsString) &&
         IsOptional(Own(scope, block, "mimeType"), &v8::Value::IsString);
}

bool IsResource(Scope& scope, v8::Local<v8::Object> block) {
  const v8::Local<v8::Value> value = Own(scope, block, "resource");
  if (!value->IsObject() || value->IsArray()) return false;
  const v8::Local<v8::Object> resource = value.As<v8::Object>();
  return Own(scope, resource, "uri")->IsString() &&
         (Own(scope, resource, "text")->IsString() || Own(scope, resource, "blob")->IsString()) &&
         IsOptional(Own(scope, resource, "mimeType"), &v8::Value::IsString) &&
         IsOptionalRecord(Own(scope, resource, "_meta"));
}

// Emits one MCP content block. False when it is none; the error is pending then.
bool EmitBlock(Scope& scope, v8::Local<v8::Value> value) {
  constexpr std::string_view kExpects = "content expects one MCP ContentBlock";
  const auto refuse = [&](std::string_view message) {
    ThrowHelperError(scope, message);
    return false;
  };
  bool failed = false;
  Text json;
  v8::Local<v8::Value> parsed;
  const bool has_json = RoundTrip(scope, value, &failed, &json).ToLocal(&parsed);
  if (failed) return false;
  if (!has_json || !parsed->IsObject() || parsed->IsArray()) return refuse(kExpects);
  const v8::Local<v8::Object> block = parsed.As<v8::Object>();
  const v8::Local<v8::Value> type_value = Own(scope, block, "type");
  if (!type_value->IsString() || !IsOptionalRecord(Own(scope, block, "_meta")) ||
      !IsOptionalRecord(Own(scope, block, "annotations"))) {
    return refuse(kExpects);
  }
  const Text type = TextOf(scope, type_value);
  if (type.Equals("text")) {
    const v8::Local<v8::Value> text = Own(scope, block, "text");
    if (!text->IsString()) return refuse(kExpects);
    const v8::Local<v8::Value> meta = Own(scope, block, "_meta");
    if (meta->IsObject() && Own(scope, meta.As<v8::Object>(), "codex/encryptedContent")->IsTrue()) {
      return refuse("content cannot emit encrypted MCP text");
    }
    scope.runtime.EmitText(TextOf(scope, text));
    return true;
  }
  if (type.Equals("image") || type.Equals("audio")) {
    const v8::Local<v8::Value> data = Own(scope, block, "data");
    if (!data->IsString() || !IsOptional(MimeOf(scope, block), &v8::Value::IsString)) return refuse(kExpects);
    Text url = DataUrl(scope, data, MimeOf(scope, block), true);
    if (type.Equals("audio")) {
      EmitAudioOrNote(scope, std::move(url));
    } else {
      const char* const detail = MetaDetail(scope, block);
      scope.runtime.EmitImage(std::move(url), detail == nullptr ? kDefaultDetail : detail);
    }
    return true;
  }
  if ((type.Equals("resource") && IsResource(scope, block)) ||
      (type.Equals("resource_link") && IsResourceLink(scope, block))) {
    scope.runtime.EmitText(std::move(json));
    return true;
  }
  return refuse(kExpects);
}

// As a loop does on leaving early; what the closing throws does not hide the reason for it.
void CloseIterator(Scope& scope, v8::Local<v8::Object> iterator) {
  v8::TryCatch ignored(scope.isolate);
  v8::Local<v8::Value> close;
  v8::Local<v8::Value> closed;
  if (iterator->Get(scope.context, Ascii(scope.isolate, "return")).ToLocal(&close) && close->IsFunction()) {
    (void)close.As<v8::Function>()->Call(scope.context, iterator, 0, nullptr).ToLocal(&closed);
  }
}

// Emits what an iterable yields. The iterator is closed when a block is refused.
void EmitIterable(Scope& scope, v8::Local<v8::Value> iterable, v8::Local<v8::Function> method) {
  v8::TryCatch caught(scope.isolate);
  const auto fail = [&] { RethrowAsHelperError(scope, caught); };
  v8::Local<v8::Value> iterator_value;
  v8::Local<v8::Value> next;
  if (!method->Call(scope.context, iterable, 0, nullptr).ToLocal(&iterator_value)) return fail();
  if (!iterator_value->IsObject())
    return ThrowHelperError(scope, "content expects one MCP ContentBlock"), fail();
  const v8::Local<v8::Object> iterator = iterator_value.As<v8::Object>();
  if (!iterator->Get(scope.context, Ascii(scope.isolate, "next")).ToLocal(&next)) return fail();
  if (!next->IsFunction()) return ThrowHelperError(scope, "content expects one MCP ContentBlock"), fail();
  for (;;) {
    v8::HandleScope handles(scope.isolate);
    v8::Local<v8::Value> result;
    v8::Local<v8::Value> done;
    v8::Local<v8::Value> block;
    if (!next.As<v8::Function>()->Call(scope.context, iterator, 0, nullptr).ToLocal(&result)) return fail();
    if (scope.runtime.stopping()) return fail();
    if (!result->IsObject()) return ThrowHelperError(scope, "content expects one MCP ContentBlock"), fail();
    if (!result.As<v8::Object>()->Get(scope.context, Ascii(scope.isolate, "done")).ToLocal(&done))
      return fail();
    if (done->BooleanValue(scope.isolate)) return;
    if (!result.As<v8::Object>()->Get(scope.context, Ascii(scope.isolate, "value")).ToLocal(&block))
      return fail();
    {
      v8::TryCatch refused(scope.isolate);
      if (EmitBlock(scope, block) && !scope.runtime.stopping()) continue;
      if (!refused.HasTerminated() && !scope.runtime.stopping()) CloseIterator(scope, iterator);
      refused.ReThrow();
    }
    return fail();
  }
}

}  // namespace

void ImageHelper(Scope& scope, CallInfo info) { EmitImageOf(scope, info[0], info[1]); }

void AudioHelper(Scope& scope, CallInfo info) {
  std::optional<Source> source = ReadSource(scope, kAudio, info[0], v8::Undefined(scope.isolate));
  if (!source || scope.runtime.stopping()) return;
  if (!StartsWith(source->url, "data:")) {
    return ThrowHelperError(scope, "Tool call failed: invalid audio output. Pass a base64 data URI instead");
  }
  EmitAudioOrNote(scope, std::move(source->url));
}

void GeneratedImageHelper(Scope& scope, CallInfo info) {
  if (!info[0]->IsObject())
    return ThrowHelperError(scope, "generatedImage expects an image generation result object");
  v8::Local<v8::Value> hint;
  {
    v8::TryCatch caught(scope.isolate);
    if (!info[0].As<v8::Object>()->Get(scope.context, Ascii(scope.isolate, "output_hint")).ToLocal(&hint)) {
      if (!caught.HasTerminated() && !scope.runtime.stopping()) {
        const v8::Local<v8::Value> cause = caught.Exception();
        caught.Reset();
        ThrowHelperError(scope, Text::Latin1("failed to read generatedImage output_hint"),
                         {.name = {}, .code = {}, .data_json = {}, .cause = cause});
      }
      caught.ReThrow();
      return;
    }
  }
  if (!hint->IsUndefined() && !hint->IsString()) {
    return ThrowHelperError(scope, "generatedImage output_hint must be a string when provided");
  }
  if (!EmitImageOf(scope, info[0], v8::Undefined(scope.isolate)) || scope.runtime.stopping()) return;
  if (hint->IsString()) scope.runtime.EmitText(TextOf(scope, hint));
}

void ContentHelper(Scope& scope, CallInfo info) {
  const v8::Local<v8::Value> value = info[0];
  if (!value->IsString() && !value->IsNullOrUndefined()) {
    v8::TryCatch caught(scope.isolate);
    v8::Local<v8::Object> object;
    v8::Local<v8::Value> method;
    if (!value->ToObject(scope.context).ToLocal(&object) ||
        !object->Get(scope.context, v8::Symbol::GetIterator(scope.isolate)).ToLocal(&method)) {
      return RethrowAsHelperError(scope, caught);
    }
    if (scope.runtime.stopping()) return;
    if (method->IsFunction()) {
      EmitIterable(scope, value, method.As<v8::Function>());
      if (caught.HasCaught()) caught.ReThrow();
      return;
    }
  }
  EmitBlock(scope, value);
}

}  // namespace codecell::cell
