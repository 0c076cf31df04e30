// Entry: how a native function is entered from script. [isolate]
#pragma once

#include <v8.h>

#include "cell/runtime.h"

namespace codecell::cell {

using HelperFunction = void (*)(Scope& scope, const v8::FunctionCallbackInfo<v8::Value>& info);

// A stopped script runs on until V8 notices; what it calls until then has no effect. The stop is asked for
// again on the way out, because a helper may have swallowed the first one.
template <HelperFunction function>
void Entry(const v8::FunctionCallbackInfo<v8::Value>& info) {
  Scope scope(info.GetIsolate());
  if (!scope.runtime.stopping()) function(scope, info);
  if (scope.runtime.stopping()) scope.isolate->TerminateExecution();
}

}  // namespace codecell::cell
