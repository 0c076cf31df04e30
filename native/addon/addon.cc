// The addon: what lib/native/addon.ts describes. The only code that knows N-API; it converts, and hands
// everything else to the pool and the cells. [host]
#include <napi.h>

#include <memory>
#include <string>
#include <utility>

#include "addon/engine_object.h"
#include "addon/strings.h"
#include "base/value_store.h"
#include "cell/tool_manifest.h"
#include "engine/platform.h"

#if !defined(_WIN32)
#include <dlfcn.h>
#endif

namespace codecell::addon {
namespace {

// Keeps the addon's code mapped: its threads may outlive the environment that loaded it.
void PinLibrary() {
#if defined(_WIN32)
#elif defined(RTLD_NODELETE)
  Dl_info info;
  if (dladdr(reinterpret_cast<void*>(&PinLibrary), &info) != 0)
    dlopen(info.dli_fname, RTLD_NOW | RTLD_NODELETE | RTLD_NOLOAD);
#endif
}

Napi::Value CreateManifest(const Napi::CallbackInfo& info) {
  const Napi::Array tools = info[0].As<Napi::Array>();
  std::vector<cell::ToolEntry> entries;
  entries.reserve(tools.Length());
  for (uint32_t i = 0; i < tools.Length(); i++) {
    const Napi::HandleScope scope(info.Env());
    const Napi::Object tool = tools.Get(i).As<Napi::Object>();
    entries.push_back({.global_name = tool.Get("globalName").As<Napi::String>().Utf8Value(),
                       .description = ReadText(tool.Get("description")),
                       .name_space = tool.Get("namespace").As<Napi::String>().Utf8Value(),
                       .short_name = tool.Get("shortName").As<Napi::String>().Utf8Value()});
  }
  using Manifest = std::shared_ptr<const cell::ToolManifest>;
  auto* const manifest = new Manifest(std::make_shared<const cell::ToolManifest>(std::move(entries)));
  const Napi::Object object = Napi::Object::New(info.Env());
  object.Set("toolCount", tools.Length());
  object.Set("handle", Napi::External<Manifest>::New(info.Env(), manifest,
                                                     [](Napi::Env, Manifest* held) { delete held; }));
  object.Freeze();
  return object;
}

Napi::Value CreateValueStore(const Napi::CallbackInfo& info) {
  using Store = std::shared_ptr<base::ValueStore>;
  auto* const store = new Store(std::make_shared<base::ValueStore>());
  const Napi::Env env = info.Env();
  const Napi::Object object = Napi::Object::New(env);
  object.Set("handle", Napi::External<Store>::New(env, store, [](Napi::Env, Store* held) { delete held; }));
  object.Set("set", Napi::Function::New(env, [held = *store](const Napi::CallbackInfo& call) -> Napi::Value {
               const uint64_t version = held->Commit(
                   {{ReadText(call[0]).ToUtf8(), std::make_shared<const base::Text>(ReadText(call[1]))}});
               return Napi::Number::New(call.Env(), static_cast<double>(version));
             }));
  object.Set("changesSince",
             Napi::Function::New(env, [held = *store](const Napi::CallbackInfo& call) -> Napi::Value {
               const double since = call[0].ToNumber().DoubleValue();
               const auto [version, changes] = held->ChangesSince(static_cast<uint64_t>(since));
               const Napi::Array list = Napi::Array::New(call.Env(), changes.size());
               for (size_t i = 0; i < changes.size(); i++) {
                 const Napi::HandleScope scope(call.Env());
                 const Napi::Array change = Napi::Array::New(call.Env(), 3);
                 change.Set(0u, Napi::String::New(call.Env(), changes[i].key));
                 change.Set(1u, MakeString(call.Env(), *changes[i].value));
                 change.Set(2u, static_cast<double>(changes[i].version));
                 list.Set(static_cast<uint32_t>(i), change);
               }
               const Napi::Object result = Napi::Object::New(call.Env());
               result.Set("version", static_cast<double>(version));
               result.Set("changes", list);
               return result;
             }));
  object.Set("entries",
             Napi::Function::New(env, [held = *store](const Napi::CallbackInfo& call) -> Napi::Value {
               const base::ValueStore::Writes entries = held->Entries();
               const Napi::Array result = Napi::Array::New(call.Env(), entries.size());
               for (size_t i = 0; i < entries.size(); i++) {
                 const Napi::HandleScope scope(call.Env());
                 const Napi::Array pair = Napi::Array::New(call.Env(), 2);
                 pair.Set(0u, Napi::String::New(call.Env(), entries[i].first));
                 pair.Set(1u, MakeString(call.Env(), *entries[i].second));
                 result.Set(static_cast<uint32_t>(i), pair);
               }
               return result;
             }));
  object.Freeze();
  return object;
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  PinLibrary();
  exports.Set("createEngine", Napi::Function::New(env, CreateEngine));
  exports.Set("setExitCode", Napi::Function::New(env, SetExitCode));
  exports.Set("createManifest", Napi::Function::New(env, CreateManifest));
  exports.Set("createValueStore", Napi::Function::New(env, CreateValueStore));
  exports.Set("isMainThread", IsMainThread(env));
  exports.Set("v8Version", engine::V8Version());
  exports.Set("nodeAbi", std::to_string(engine::CompiledNodeAbi()));
  return exports;
}

}  // namespace

NODE_API_MODULE(codecell, Init)

}  // namespace codecell::addon
