#include "addon/strings.h"

#include "engine/values.h"

namespace codecell::addon {

base::Text ReadText(Napi::Value value) {
  if (!value.IsString()) return {};
  // Through V8, which says whether one byte per character is enough; N-API would have us transcode.
  return engine::TextOfHostString(static_cast<napi_value>(value));
}

Napi::Value MakeString(Napi::Env env, const base::Text& text) {
  napi_value result = nullptr;
  const napi_status status =
      text.is_latin1() ? napi_create_string_latin1(env, text.latin1().data(), text.length(), &result)
                       : napi_create_string_utf16(env, text.utf16().data(), text.length(), &result);
  return status == napi_ok ? Napi::Value(env, result) : Napi::String::New(env, "");
}

}  // namespace codecell::addon
