// Tools: the `tools` object, ALL_TOOLS, and nested calls in flight.
//
// `tools` is a Proxy over an empty object: reading a member makes that one function, so a thousand tools cost
// nothing until one is called. The first operation that could tell the difference (listing, describing,
// changing) fills the target with every tool and takes the traps away. [isolate]
#pragma once

#include <v8.h>

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "cell/control.h"
#include "engine/call_sites.h"

namespace codecell::cell {

struct Scope;

class Tools {
 public:
  // At preparation: the `tools` object, and a lazy ALL_TOOLS on the global.
  v8::Local<v8::Object> MakeObject(Scope& scope);
  static void AllTools(v8::Local<v8::Name> name, const v8::PropertyCallbackInfo<v8::Value>& info);

  // The function that calls a tool; the same one each time.
  v8::Local<v8::Function> Function(Scope& scope, uint32_t index);
  v8::Local<v8::Array> AllTools(Scope& scope);
  v8::Local<v8::Object> object(v8::Isolate* isolate) const { return proxy_.Get(isolate); }

  // Settles the promise of a call.
  void Answer(Scope& scope, const ToolAnswer& answer);
  size_t pending() const { return pending_.size(); }
  // The numbers of the calls in flight, ascending.
  std::vector<uint32_t> Unanswered() const;

 private:
  static void Call(Scope& scope, const v8::FunctionCallbackInfo<v8::Value>& info);
  static void GetTrap(const v8::FunctionCallbackInfo<v8::Value>& info);
  template <int trap>
  static void FillTrap(const v8::FunctionCallbackInfo<v8::Value>& info);
  void Fill(Scope& scope);

  v8::Global<v8::Object> proxy_;
  v8::Global<v8::Object> target_;
  v8::Global<v8::Object> handler_;
  v8::Global<v8::Object> reflect_;
  v8::Global<v8::Array> all_tools_;
  std::unordered_map<uint32_t, v8::Global<v8::Function>> functions_;
  struct Pending {
    v8::Global<v8::Promise::Resolver> resolver;
    // Where the script made the call; in the default profile only.
    engine::CallSite caller;
  };
  engine::CallSites callers_;
  std::unordered_map<uint32_t, Pending> pending_;
  uint32_t last_call_ = 0;
  bool filled_ = false;
};

}  // namespace codecell::cell
