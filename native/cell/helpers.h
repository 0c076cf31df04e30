// Helpers: the native functions of the global object, by topic. Each is entered through Entry. [isolate]
#pragma once

#include <v8.h>

namespace codecell::cell {

struct Scope;
using CallInfo = const v8::FunctionCallbackInfo<v8::Value>&;

// helpers_output.cc: text items, notifications, yields, exit, stored values.
void TextHelper(Scope& scope, CallInfo info);
void NotifyHelper(Scope& scope, CallInfo info);
void YieldControlHelper(Scope& scope, CallInfo info);
void ExitHelper(Scope& scope, CallInfo info);
void StoreHelper(Scope& scope, CallInfo info);
void LoadHelper(Scope& scope, CallInfo info);

// helpers_media.cc: images, audio, MCP content blocks.
void ImageHelper(Scope& scope, CallInfo info);
void AudioHelper(Scope& scope, CallInfo info);
void GeneratedImageHelper(Scope& scope, CallInfo info);
void ContentHelper(Scope& scope, CallInfo info);

// settled.cc
void AsSettledHelper(Scope& scope, CallInfo info);
void StreamSettledHelper(Scope& scope, CallInfo info);

}  // namespace codecell::cell
