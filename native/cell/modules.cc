#include "cell/modules.h"

#include <memory>
#include <string_view>
#include <vector>

#include "cell/errors.h"
#include "cell/runtime.h"
#include "engine/values.h"

namespace codecell::cell {

using base::Text;
using engine::Ascii;

namespace {

constexpr std::string_view kTools = "tools.js";
constexpr std::string_view kNamespacePrefix = "tools/";
constexpr std::string_view kNamespaceSuffix = ".js";
// Longer specifiers are cut: they name nothing that exists.
constexpr int kLongestSpecifier = 4096;
constexpr std::string_view kHelpers = "@openai/code_mode";

// Export names of the helpers; some go by two names.
constexpr std::pair<std::string_view, Helper> kHelperExports[] = {
    {"exit", Helper::kExit},
    {"image", Helper::kImage},
    {"audio", Helper::kAudio},
    {"load", Helper::kLoad},
    {"notify", Helper::kNotify},
    {"output_text", Helper::kText},
    {"output_image", Helper::kImage},
    {"store", Helper::kStore},
    {"text", Helper::kText},
    {"yield_control", Helper::kYieldControl},
    {"setTimeout", Helper::kSetTimeout},
    {"clearTimeout", Helper::kClearTimeout},
    {"content", Helper::kContent},
    {"generatedImage", Helper::kGeneratedImage},
    {"as_settled", Helper::kAsSettled},
    {"stream_settled", Helper::kStreamSettled},
};

// The namespace that a specifier `tools/<namespace>.js` names; empty for any other.
std::string_view NamespaceOf(std::string_view specifier) {
  if (!specifier.starts_with(kNamespacePrefix) || !specifier.ends_with(kNamespaceSuffix)) return {};
  specifier.remove_prefix(kNamespacePrefix.size());
  if (specifier.size() <= kNamespaceSuffix.size()) return {};
  specifier.remove_suffix(kNamespaceSuffix.size());
  return specifier;
}

std::string Utf8(v8::Isolate* isolate, v8::Local<v8::String> string) {
  return engine::HeadOf(isolate, string, kLongestSpecifier).ToUtf8();
}

#if V8_MAJOR_VERSION >= 13
// In longer sources more functions are likely not to be called, and taking the code of all costs as much as
// compiling does. Characters.
constexpr int kCompiledWithFunctions = 16 * 1024;
#endif

// Compiles all functions of a module, too. Empty, with nothing pending, where that does not work: for a
// syntax error, and for a function that nests too deeply, which does not matter until it is called. Never
// before V8 13, which would end the process.
v8::MaybeLocal<v8::Module> CompileWithFunctions([[maybe_unused]] v8::Isolate* isolate,
                                                [[maybe_unused]] v8::Local<v8::String> code,
                                                [[maybe_unused]] const v8::ScriptOrigin& origin) {
#if V8_MAJOR_VERSION >= 13
  if (code->Length() > kCompiledWithFunctions) return {};
  const v8::TryCatch failed(isolate);
  v8::ScriptCompiler::Source source(code, origin);
  return v8::ScriptCompiler::CompileModule(isolate, &source, v8::ScriptCompiler::kEagerCompile);
#else
  return {};
#endif
}

}  // namespace

v8::MaybeLocal<v8::Module> Modules::Compile(Scope& scope, const Text& source, base::CodeCache* cache) {
  v8::Local<v8::String> code;
  if (!engine::ToString(scope.isolate, source).ToLocal(&code)) return {};
#if V8_MAJOR_VERSION >= 12
  const v8::ScriptOrigin origin(
#else
  const v8::ScriptOrigin origin(
      scope.isolate,
#endif
      Ascii(scope.isolate, "exec_main.mjs"), 0, 0, false, -1, v8::Local<v8::Value>(), false, false, true);
  const base::CodeCache::Found found = cache == nullptr ? base::CodeCache::Found() : cache->Find(source);
  if (found.code) {
    // Owned by the source; the bytes stay ours.
    auto* const data =
        new v8::ScriptCompiler::CachedData(found.code->data(), static_cast<int>(found.code->size()));
    v8::ScriptCompiler::Source cached(code, origin, data);
    const auto module =
        v8::ScriptCompiler::CompileModule(scope.isolate, &cached, v8::ScriptCompiler::kConsumeCodeCache);
    if (data->rejected) cache->Drop(source);
    return module;
  }
  v8::Local<v8::Module> module;
  if (!found.wanted || !CompileWithFunctions(scope.isolate, code, origin).ToLocal(&module)) {
    v8::ScriptCompiler::Source compiled(code, origin);
    if (!v8::ScriptCompiler::CompileModule(scope.isolate, &compiled).ToLocal(&module)) return {};
  }
  if (found.wanted) {
    const std::unique_ptr<v8::ScriptCompiler::CachedData> made(
        v8::ScriptCompiler::CreateCodeCache(module->GetUnboundModuleScript()));
    if (made) cache->Keep(source, std::vector<uint8_t>(made->data, made->data + made->length));
  }
  return module;
}

v8::MaybeLocal<v8::String> Modules::FirstUnsupported(Scope& scope, v8::Local<v8::Module> main) {
  const v8::Local<v8::FixedArray> requests = main->GetModuleRequests();
  for (int i = 0; i < requests->Length(); i++) {
#if V8_MAJOR_VERSION >= 14
    const v8::Local<v8::ModuleRequest> request = requests->Get(i).As<v8::ModuleRequest>();
#else
    const v8::Local<v8::ModuleRequest> request = requests->Get(scope.context, i).As<v8::ModuleRequest>();
#endif
    const v8::Local<v8::String> specifier = request->GetSpecifier();
#if V8_MAJOR_VERSION >= 14
    if (request->GetPhase() != v8::ModuleImportPhase::kEvaluation) return specifier;
#endif
    if (!Exists(scope, Utf8(scope.isolate, specifier))) return specifier;
  }
  return {};
}

bool Modules::Exists(Scope& scope, const std::string& specifier) const {
  if (scope.runtime.codex()) return false;
  if (specifier == kTools || specifier == kHelpers) return true;
  const std::string_view name_space = NamespaceOf(specifier);
  if (name_space.empty()) return false;
  for (const ToolEntry& entry : scope.runtime.control().tools->entries()) {
    if (entry.name_space == name_space) return true;
  }
  return false;
}

Modules::Exports Modules::ExportsOf(Scope& scope, const std::string& specifier) const {
  v8::Isolate* const isolate = scope.isolate;
  Exports exports;
  if (specifier == kHelpers) {
    for (const auto& [name, helper] : kHelperExports) {
      exports.emplace_back(Ascii(isolate, name), scope.runtime.helper(helper));
    }
    return exports;
  }
  const std::string_view name_space = NamespaceOf(specifier);
  const auto& entries = scope.runtime.control().tools->entries();
  for (uint32_t i = 0; i < entries.size(); i++) {
    if (!name_space.empty() && entries[i].name_space != name_space) continue;
    const std::string& name = name_space.empty() ? entries[i].global_name : entries[i].short_name;
    if (name_space.empty() && name == "ALL_TOOLS") continue;
    exports.emplace_back(Ascii(isolate, name), scope.runtime.tools.Function(scope, i));
  }
  if (name_space.empty())
    exports.emplace_back(Ascii(isolate, "ALL_TOOLS"), scope.runtime.tools.AllTools(scope));
  return exports;
}

v8::MaybeLocal<v8::Module> Modules::Get(Scope& scope, const std::string& specifier) {
  for (const Synthetic& known : synthetic_) {
    if (known.specifier == specifier) return known.module.Get(scope.isolate);
  }
  const Exports exports = ExportsOf(scope, specifier);
  std::vector<v8::Local<v8::String>> names;
  for (const auto& [name, value] : exports) names.push_back(name);
  v8::Local<v8::String> module_name;
  if (!v8::String::NewFromUtf8(scope.isolate, specifier.c_str()).ToLocal(&module_name)) return {};
#if V8_MAJOR_VERSION >= 12
  const v8::MemorySpan<const v8::Local<v8::String>> span(names.data(), names.size());
  const v8::Local<v8::Module> module =
      v8::Module::CreateSyntheticModule(scope.isolate, module_name, span, EvaluateSynthetic);
#else
  const v8::Local<v8::Module> module =
      v8::Module::CreateSyntheticModule(scope.isolate, module_name, names, EvaluateSynthetic);
#endif
  synthetic_.push_back({specifier, v8::Global<v8::Module>(scope.isolate, module)});
  return module;
}

v8::MaybeLocal<v8::Value> Modules::EvaluateSynthetic(v8::Local<v8::Context> context,
                                                     v8::Local<v8::Module> module) {
  Scope scope(v8::Isolate::GetCurrent());
  for (const Synthetic& known : scope.runtime.modules.synthetic_) {
    if (known.module != module) continue;
    for (const auto& [name, value] : scope.runtime.modules.ExportsOf(scope, known.specifier)) {
      if (module->SetSyntheticModuleExport(scope.isolate, name, value).IsNothing()) return {};
    }
  }
  v8::Local<v8::Promise::Resolver> done;
  if (!v8::Promise::Resolver::New(context).ToLocal(&done)) return {};
  if (done->Resolve(context, v8::Undefined(scope.isolate)).IsNothing()) return {};
  return done->GetPromise();
}

v8::MaybeLocal<v8::Module> Modules::Resolve(v8::Local<v8::Context>, v8::Local<v8::String> specifier,
                                            v8::Local<v8::FixedArray>, v8::Local<v8::Module>) {
  Scope scope(v8::Isolate::GetCurrent());
  const std::string name = Utf8(scope.isolate, specifier);
  if (scope.runtime.modules.Exists(scope, name)) return scope.runtime.modules.Get(scope, name);
  ThrowHelperError(scope, Text::FromUtf8("Unsupported import in exec: " + name));
  return {};
}

v8::MaybeLocal<v8::Promise> Modules::ImportDynamically(v8::Local<v8::Context>, v8::Local<v8::Data>,
                                                       v8::Local<v8::Value>, v8::Local<v8::String> specifier,
                                                       v8::Local<v8::FixedArray>) {
  Scope scope(v8::Isolate::GetCurrent());
  v8::Local<v8::Promise::Resolver> resolver;
  if (!v8::Promise::Resolver::New(scope.context).ToLocal(&resolver)) return {};
  const v8::Local<v8::Promise> promise = resolver->GetPromise();
  const std::string name = Utf8(scope.isolate, specifier);
  if (!scope.runtime.modules.Exists(scope, name)) {
    const Text message = scope.runtime.codex() ? Text::Latin1("unsupported import in exec")
                                               : Text::FromUtf8("Unsupported import in exec: " + name);
    if (resolver->Reject(scope.context, HelperError(scope, message)).IsNothing()) return {};
    return promise;
  }
  v8::Local<v8::Module> module;
  v8::Local<v8::Value> evaluated;
  if (!scope.runtime.modules.Get(scope, name).ToLocal(&module)) return {};
  if (module->GetStatus() == v8::Module::kUninstantiated &&
      module->InstantiateModule(scope.context, Resolve).IsNothing()) {
    return {};
  }
  if (!module->Evaluate(scope.context).ToLocal(&evaluated)) return {};
  if (resolver->Resolve(scope.context, module->GetModuleNamespace()).IsNothing()) return {};
  return promise;
}

}  // namespace codecell::cell
