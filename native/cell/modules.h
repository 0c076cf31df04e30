// Modules: compiling the script, and the few modules it may import. [isolate]
//
// `tools.js`, `tools/<namespace>.js` and `@openai/code_mode` are synthetic: made when first imported, without
// source text. The codex profile has none.
#pragma once

#include <v8.h>

#include <string>
#include <utility>
#include <vector>

#include "base/code_cache.h"
#include "base/text.h"

namespace codecell::cell {

struct Scope;

class Modules {
 public:
  // Compiles the main module. Empty, with the exception pending, on a syntax error. With a cache, code of
  // sources that are compiled again comes from there.
  v8::MaybeLocal<v8::Module> Compile(Scope& scope, const base::Text& source,
                                     base::CodeCache* cache = nullptr);
  // The first static import that does not exist here; empty when all do.
  v8::MaybeLocal<v8::String> FirstUnsupported(Scope& scope, v8::Local<v8::Module> main);

  static v8::MaybeLocal<v8::Module> Resolve(v8::Local<v8::Context> context, v8::Local<v8::String> specifier,
                                            v8::Local<v8::FixedArray> attributes,
                                            v8::Local<v8::Module> referrer);
  static v8::MaybeLocal<v8::Promise> ImportDynamically(v8::Local<v8::Context> context,
                                                       v8::Local<v8::Data> host_defined_options,
                                                       v8::Local<v8::Value> resource_name,
                                                       v8::Local<v8::String> specifier,
                                                       v8::Local<v8::FixedArray> attributes);
  void Clear() { synthetic_.clear(); }

 private:
  using Exports = std::vector<std::pair<v8::Local<v8::String>, v8::Local<v8::Value>>>;
  struct Synthetic {
    std::string specifier;
    v8::Global<v8::Module> module;
  };

  bool Exists(Scope& scope, const std::string& specifier) const;
  v8::MaybeLocal<v8::Module> Get(Scope& scope, const std::string& specifier);
  Exports ExportsOf(Scope& scope, const std::string& specifier) const;
  static v8::MaybeLocal<v8::Value> EvaluateSynthetic(v8::Local<v8::Context> context,
                                                     v8::Local<v8::Module> module);

  std::vector<Synthetic> synthetic_;
};

}  // namespace codecell::cell
