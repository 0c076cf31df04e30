// Errors between script and host: what helpers throw, and what is told of a value that a script threw.
// Nothing here trusts the script: conversions that run its code may throw, be stopped, or lie. [isolate]
#pragma once

#include <v8.h>

#include <string_view>

#include "base/text.h"

namespace codecell::cell {

struct Scope;

// What an error made by a helper carries besides its message; empty texts are left out.
struct ErrorParts {
  base::Text name;
  base::Text code;
  base::Text data_json;
  v8::Local<v8::Value> cause;
  // Where an error that arrives later was brought about; shown as its stack.
  v8::Local<v8::StackTrace> caller = {};
};

// The value that helpers throw and tools reject with: in the codex profile the bare message, else an Error
// whose `message` and String() are the message.
v8::Local<v8::Value> HelperError(Scope& scope, const base::Text& message, const ErrorParts& parts = {});

void ThrowHelperError(Scope& scope, std::string_view ascii_message);
void ThrowHelperError(Scope& scope, const base::Text& message, const ErrorParts& parts = {});
// Throws what `caught` caught as a helper's error. Keeps a termination going.
void RethrowAsHelperError(Scope& scope, v8::TryCatch& caught);

// A string of an error for the host: cut at 32,768 code units, with a note of how much is missing. Of one
// longer than 4 Mi code units nothing but its length is told, because V8 would have to copy it whole to read
// a part.
base::Text ErrorText(v8::Isolate* isolate, v8::Local<v8::String> string);

// A thrown value as the outcome tells it. Its texts are bounded as ErrorText says.
struct Thrown {
  base::Text message;
  base::Text text;   // the stack of an error, else the value as a string
  base::Text stack;  // empty when it has none
  int line = 0;
  int column = 0;
  bool by_helper = false;
  bool by_tool = false;
};

Thrown Describe(Scope& scope, v8::Local<v8::Value> value);
// The value as text without running any of the script's code.
base::Text DescribeQuietly(Scope& scope, v8::Local<v8::Value> value);
// True for an error that a tool call rejected with.
bool IsToolError(Scope& scope, v8::Local<v8::Value> value);
// A syntax error with its position and the line it is in.
Thrown DescribeSyntaxError(Scope& scope, v8::TryCatch& caught, bool with_position);

}  // namespace codecell::cell
