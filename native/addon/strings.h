// Strings between N-API and plain data. [host]
#pragma once

#include <napi.h>

#include "base/text.h"

namespace codecell::addon {

// The value must be a string.
base::Text ReadText(Napi::Value value);
Napi::Value MakeString(Napi::Env env, const base::Text& text);

}  // namespace codecell::addon
