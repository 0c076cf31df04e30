// The engine object: one per service. Joins a pool of isolates to one Node environment.
#pragma once

#include <napi.h>

namespace codecell::addon {

// createEngine(options, onEvents) of lib/native/addon.ts. [host]
Napi::Value CreateEngine(const Napi::CallbackInfo& info);

// Whether the end of this environment ends the process. [host]
bool IsMainThread(Napi::Env env);

// setExitCode(code) of lib/native/addon.ts. [host]
void SetExitCode(const Napi::CallbackInfo& info);

}  // namespace codecell::addon
