// The native benchmarks as an addon of their own, because V8 is that of the running Node. Never part of the
// package. Every function measures while the host thread waits. [host]
#include <napi.h>

#include "bench/isolates.h"
#include "bench/samples.h"
#include "engine/platform.h"

namespace codecell::bench {
namespace {

Napi::Value ToJavaScript(Napi::Env env, const Rows& rows) {
  const Napi::Object result = Napi::Object::New(env);
  for (const auto& [name, samples] : rows) {
    const Napi::Array array = Napi::Array::New(env, samples.size());
    for (size_t i = 0; i < samples.size(); i++) array.Set(static_cast<uint32_t>(i), samples[i]);
    result.Set(name, array);
  }
  return result;
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  engine::SetProcessFlags();
  const auto count = [](const Napi::CallbackInfo& info) { return info[0].As<Napi::Number>().Int32Value(); };
  const auto add = [&](const char* name, auto body) {
    exports.Set(name, Napi::Function::New(env, body, name));
  };
  // threads(iterations), isolates(iterations), scripts(iterations), first(): { row: milliseconds[] }
  add("threads", [count](const Napi::CallbackInfo& info) {
    return ToJavaScript(info.Env(), MeasureThreads(count(info)));
  });
  add("isolates", [count](const Napi::CallbackInfo& info) {
    return ToJavaScript(info.Env(), MeasureIsolates(engine::Platform::OfCurrentEnvironment(), count(info)));
  });
  add("scripts", [count](const Napi::CallbackInfo& info) {
    return ToJavaScript(info.Env(), MeasureScripts(engine::Platform::OfCurrentEnvironment(), count(info)));
  });
  add("first", [](const Napi::CallbackInfo& info) {
    return ToJavaScript(info.Env(), MeasureFirst(engine::Platform::OfCurrentEnvironment()));
  });
  // isolatesPerSecond(threads, milliseconds), preparedPerSecond(threads, milliseconds): number
  add("isolatesPerSecond", [count](const Napi::CallbackInfo& info) {
    const double milliseconds = info[1].As<Napi::Number>().DoubleValue();
    const auto platform = engine::Platform::OfCurrentEnvironment();
    return Napi::Number::New(info.Env(), IsolatesPerSecond(platform, count(info), milliseconds));
  });
  add("preparedPerSecond", [count](const Napi::CallbackInfo& info) {
    const double milliseconds = info[1].As<Napi::Number>().DoubleValue();
    const auto platform = engine::Platform::OfCurrentEnvironment();
    return Napi::Number::New(info.Env(), PreparedPerSecond(platform, count(info), milliseconds));
  });
  return exports;
}

}  // namespace

NODE_API_MODULE(codecell_bench, Init)

}  // namespace codecell::bench
