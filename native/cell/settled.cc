// as_settled and stream_settled: promises in the order in which they settle.
//
// All state lives in V8's heap, in an object that scripts never see, so it is collected with the generator
// and counts against the heap limit. Its fields are own data properties of null-prototype objects: nothing a
// script does to Object.prototype or Promise.prototype reaches them.
#include <string>

#include "cell/entry.h"
#include "cell/errors.h"
#include "cell/helpers.h"
#include "cell/runtime.h"
#include "engine/values.h"

namespace codecell::cell {

using engine::Ascii;

namespace {

enum class RequestKind : int { kNext, kReturn, kThrow };

v8::Local<v8::Object> NullObject(v8::Isolate* isolate) {
  return v8::Object::New(isolate, v8::Null(isolate), nullptr, nullptr, 0);
}

void Put(Scope& scope, v8::Local<v8::Object> object, std::string_view key, v8::Local<v8::Value> value) {
  (void)object->CreateDataProperty(scope.context, Ascii(scope.isolate, key), value);
}

v8::Local<v8::Value> Take(Scope& scope, v8::Local<v8::Object> object, std::string_view key) {
  v8::Local<v8::Value> value;
  return object->Get(scope.context, Ascii(scope.isolate, key)).ToLocal(&value)
             ? value
             : v8::Undefined(scope.isolate).As<v8::Value>();
}

uint32_t Number(Scope& scope, v8::Local<v8::Object> object, std::string_view key) {
  const v8::Local<v8::Value> value = Take(scope, object, key);
  return value->IsUint32() ? value.As<v8::Uint32>()->Value() : 0;
}

void PutNumber(Scope& scope, v8::Local<v8::Object> object, std::string_view key, uint32_t value) {
  Put(scope, object, key, v8::Integer::NewFromUnsigned(scope.isolate, value));
}

// A first-in, first-out queue in a null-prototype object.
class Queue {
 public:
  Queue(Scope& scope, v8::Local<v8::Object> object) : scope_(scope), object_(object) {}
  static v8::Local<v8::Object> Make(Scope& scope) {
    const v8::Local<v8::Object> object = NullObject(scope.isolate);
    PutNumber(scope, object, "head", 0);
    PutNumber(scope, object, "tail", 0);
    return object;
  }
  bool empty() const { return Number(scope_, object_, "head") == Number(scope_, object_, "tail"); }
  void Push(v8::Local<v8::Value> value) {
    const uint32_t tail = Number(scope_, object_, "tail");
    (void)object_->CreateDataProperty(scope_.context, tail, value);
    PutNumber(scope_, object_, "tail", tail + 1);
  }
  v8::Local<v8::Value> Front() const {
    v8::Local<v8::Value> value;
    return object_->Get(scope_.context, Number(scope_, object_, "head")).ToLocal(&value)
               ? value
               : v8::Undefined(scope_.isolate).As<v8::Value>();
  }
  void Pop() {
    const uint32_t head = Number(scope_, object_, "head");
    (void)object_->Delete(scope_.context, head);
    PutNumber(scope_, object_, "head", head + 1);
  }

 private:
  Scope& scope_;
  const v8::Local<v8::Object> object_;
};

v8::Local<v8::Object> IteratorResult(Scope& scope, v8::Local<v8::Value> value, bool done) {
  const v8::Local<v8::Object> result = v8::Object::New(scope.isolate);
  Put(scope, result, "value", value);
  Put(scope, result, "done", v8::Boolean::New(scope.isolate, done));
  return result;
}

v8::Local<v8::Function> Callback(Scope& scope, v8::FunctionCallback callback, v8::Local<v8::Value> data) {
  return v8::Function::New(scope.context, callback, data).ToLocalChecked();
}

v8::Local<v8::Array> Pair(Scope& scope, v8::Local<v8::Value> first, v8::Local<v8::Value> second) {
  v8::Local<v8::Value> elements[] = {first, second};
  return v8::Array::New(scope.isolate, elements, 2);
}

v8::Local<v8::Value> First(Scope& scope, CallInfo info) {
  return info.Data().As<v8::Array>()->Get(scope.context, 0).ToLocalChecked();
}

v8::Local<v8::Value> Second(Scope& scope, CallInfo info) {
  return info.Data().As<v8::Array>()->Get(scope.context, 1).ToLocalChecked();
}

// What Promise.resolve gives, with the intrinsic.
v8::MaybeLocal<v8::Promise> ToPromise(Scope& scope, v8::Local<v8::Value> value) {
  if (value->IsPromise()) return value.As<v8::Promise>();
  v8::Local<v8::Promise::Resolver> resolver;
  if (!v8::Promise::Resolver::New(scope.context).ToLocal(&resolver)) return {};
  if (resolver->Resolve(scope.context, value).IsNothing()) return {};
  return resolver->GetPromise();
}

// What return(promise) waits for. Data: [resolver].
void OnReturned(Scope& scope, CallInfo info) {
  (void)First(scope, info)
      .As<v8::Promise::Resolver>()
      ->Resolve(scope.context, IteratorResult(scope, info[0], true));
}

void OnReturnRejected(Scope& scope, CallInfo info) {
  (void)First(scope, info).As<v8::Promise::Resolver>()->Reject(scope.context, info[0]);
}

// Serves requests from the front as far as what has settled allows.
void Serve(Scope& scope, v8::Local<v8::Object> state) {
  Queue requests(scope, Take(scope, state, "requests").As<v8::Object>());
  Queue records(scope, Take(scope, state, "records").As<v8::Object>());
  while (!requests.empty()) {
    v8::HandleScope handles(scope.isolate);
    const v8::Local<v8::Object> request = requests.Front().As<v8::Object>();
    const auto kind = static_cast<RequestKind>(Number(scope, request, "kind"));
    const bool closed = Take(scope, state, "closed")->IsTrue();
    const auto resolver = Take(scope, request, "resolver").As<v8::Promise::Resolver>();
    const v8::Local<v8::Value> value = Take(scope, request, "value");
    if (kind == RequestKind::kNext) {
      if (!closed && records.empty() && Number(scope, state, "outstanding") > 0) return;
      requests.Pop();
      if (!closed && !records.empty()) {
        const v8::Local<v8::Value> record = records.Front();
        records.Pop();
        (void)resolver->Resolve(scope.context, IteratorResult(scope, record, false));
      } else {
        Put(scope, state, "closed", v8::True(scope.isolate));
        (void)resolver->Resolve(scope.context, IteratorResult(scope, v8::Undefined(scope.isolate), true));
      }
      continue;
    }
    requests.Pop();
    Put(scope, state, "closed", v8::True(scope.isolate));
    Put(scope, state, "records", Queue::Make(scope));
    if (kind == RequestKind::kThrow) {
      (void)resolver->Reject(scope.context, value);
    } else if (!value->IsObject()) {
      (void)resolver->Resolve(scope.context, IteratorResult(scope, value, true));
    } else {
      // return(promise) gives what the promise is fulfilled with.
      v8::Local<v8::Promise> awaited;
      if (!ToPromise(scope, value).ToLocal(&awaited)) return;
      const v8::Local<v8::Array> data = Pair(scope, resolver, v8::Undefined(scope.isolate));
      const auto fulfilled = Callback(scope, Entry<OnReturned>, data);
      const auto rejected = Callback(scope, Entry<OnReturnRejected>, data);
      v8::Local<v8::Promise> ignored;
      (void)awaited->Then(scope.context, fulfilled, rejected).ToLocal(&ignored);
      return;
    }
  }
}

// Queues a request; its promise settles when the request is served.
v8::MaybeLocal<v8::Promise> Request(Scope& scope, v8::Local<v8::Object> state, RequestKind kind,
                                    v8::Local<v8::Value> value) {
  v8::Local<v8::Promise::Resolver> resolver;
  if (!v8::Promise::Resolver::New(scope.context).ToLocal(&resolver)) return {};
  const v8::Local<v8::Object> request = NullObject(scope.isolate);
  PutNumber(scope, request, "kind", static_cast<uint32_t>(kind));
  Put(scope, request, "resolver", resolver);
  Put(scope, request, "value", value);
  Queue(scope, Take(scope, state, "requests").As<v8::Object>()).Push(request);
  Serve(scope, state);
  return resolver->GetPromise();
}

// Data: [state, index].
template <bool fulfilled>
void OnSettled(Scope& scope, CallInfo info) {
  const v8::Local<v8::Object> state = First(scope, info).As<v8::Object>();
  PutNumber(scope, state, "outstanding", Number(scope, state, "outstanding") - 1);
  if (!Take(scope, state, "closed")->IsTrue()) {
    const v8::Local<v8::Object> record = v8::Object::New(scope.isolate);
    Put(scope, record, "index", Second(scope, info));
    Put(scope, record, "status", Ascii(scope.isolate, fulfilled ? "fulfilled" : "rejected"));
    Put(scope, record, fulfilled ? "value" : "reason", info[0]);
    Queue(scope, Take(scope, state, "records").As<v8::Object>()).Push(record);
  }
  Serve(scope, state);
}

bool Observe(Scope& scope, v8::Local<v8::Object> state, v8::Local<v8::Value> index,
             v8::Local<v8::Value> element) {
  v8::Local<v8::Promise> promise;
  v8::Local<v8::Promise> ignored;
  if (!ToPromise(scope, element).ToLocal(&promise)) return false;
  const v8::Local<v8::Array> data = Pair(scope, state, index);
  PutNumber(scope, state, "outstanding", Number(scope, state, "outstanding") + 1);
  return promise
      ->Then(scope.context, Callback(scope, Entry<OnSettled<true>>, data),
             Callback(scope, Entry<OnSettled<false>>, data))
      .ToLocal(&ignored);
}

v8::MaybeLocal<v8::Object> NotIterable(Scope& scope) {
  scope.isolate->ThrowException(v8::Exception::TypeError(Ascii(scope.isolate, "promises is not iterable")));
  return {};
}

// Iterates `promises` at once and observes each element. Empty with an exception pending when that threw.
v8::MaybeLocal<v8::Object> SetUp(Scope& scope, v8::Local<v8::Value> promises) {
  v8::Isolate* const isolate = scope.isolate;
  if (promises->IsNullOrUndefined()) return NotIterable(scope);
  const v8::Local<v8::Object> state = NullObject(isolate);
  Put(scope, state, "records", Queue::Make(scope));
  Put(scope, state, "requests", Queue::Make(scope));
  Put(scope, state, "closed", v8::False(isolate));
  PutNumber(scope, state, "outstanding", 0);

  v8::Local<v8::Object> object;
  v8::Local<v8::Value> method;
  v8::Local<v8::Value> iterator_value;
  v8::Local<v8::Value> next;
  if (!promises->ToObject(scope.context).ToLocal(&object) ||
      !object->Get(scope.context, v8::Symbol::GetIterator(isolate)).ToLocal(&method)) {
    return {};
  }
  if (!method->IsFunction()) return NotIterable(scope);
  if (!method.As<v8::Function>()->Call(scope.context, promises, 0, nullptr).ToLocal(&iterator_value))
    return {};
  if (!iterator_value->IsObject()) return NotIterable(scope);
  const v8::Local<v8::Object> iterator = iterator_value.As<v8::Object>();
  if (!iterator->Get(scope.context, Ascii(isolate, "next")).ToLocal(&next)) return {};
  if (!next->IsFunction()) return NotIterable(scope);
  const bool keyed = promises->IsMap();
  for (uint32_t position = 0;; position++) {
    v8::HandleScope handles(isolate);
    v8::Local<v8::Value> result;
    v8::Local<v8::Value> done;
    v8::Local<v8::Value> element;
    if (!next.As<v8::Function>()->Call(scope.context, iterator, 0, nullptr).ToLocal(&result)) return {};
    if (scope.runtime.stopping()) return {};
    if (!result->IsObject()) return NotIterable(scope);
    if (!result.As<v8::Object>()->Get(scope.context, Ascii(isolate, "done")).ToLocal(&done)) return {};
    if (done->BooleanValue(isolate)) return state;
    if (!result.As<v8::Object>()->Get(scope.context, Ascii(isolate, "value")).ToLocal(&element)) return {};
    v8::Local<v8::Value> index = v8::Integer::NewFromUnsigned(isolate, position);
    if (keyed && element->IsObject()) {
      const v8::Local<v8::Object> entry = element.As<v8::Object>();
      if (!entry->Get(scope.context, 0).ToLocal(&index) || !entry->Get(scope.context, 1).ToLocal(&element))
        return {};
    }
    if (!Observe(scope, state, index, element)) return {};
  }
}

v8::Local<v8::Private> StateKey(v8::Isolate* isolate) {
  return v8::Private::ForApi(isolate, Ascii(isolate, "codecell.settled"));
}

// next, return and throw of the generator.
template <RequestKind kind>
void GeneratorMethod(Scope& scope, CallInfo info) {
  v8::Local<v8::Value> state;
  if (!info.This()->GetPrivate(scope.context, StateKey(scope.isolate)).ToLocal(&state) ||
      !state->IsObject()) {
    scope.isolate->ThrowException(
        v8::Exception::TypeError(Ascii(scope.isolate, "not an as_settled generator")));
    return;
  }
  v8::Local<v8::Promise> promise;
  if (Request(scope, state.As<v8::Object>(), kind, info[0]).ToLocal(&promise))
    info.GetReturnValue().Set(promise);
}

// An object between the generator and the intrinsic %AsyncGeneratorPrototype%, with working methods.
v8::MaybeLocal<v8::Object> GeneratorPrototype(Scope& scope) {
  const v8::Local<v8::Private> key =
      v8::Private::ForApi(scope.isolate, Ascii(scope.isolate, "codecell.settledPrototype"));
  const v8::Local<v8::Object> global = scope.context->Global();
  v8::Local<v8::Value> cached;
  if (global->GetPrivate(scope.context, key).ToLocal(&cached) && cached->IsObject())
    return cached.As<v8::Object>();
  const v8::Local<v8::Object> prototype = NullObject(scope.isolate);
  const auto define = [&](std::string_view name, v8::FunctionCallback callback) {
    const v8::Local<v8::Function> method = Callback(scope, callback, {});
    method->SetName(Ascii(scope.isolate, name));
    (void)prototype->DefineOwnProperty(scope.context, Ascii(scope.isolate, name), method, v8::DontEnum);
  };
  define("next", Entry<GeneratorMethod<RequestKind::kNext>>);
  define("return", Entry<GeneratorMethod<RequestKind::kReturn>>);
  define("throw", Entry<GeneratorMethod<RequestKind::kThrow>>);
  // The intrinsic is reachable only through a generator function.
  v8::Local<v8::Script> script;
  v8::Local<v8::Value> intrinsic;
  if (!v8::Script::Compile(scope.context, Ascii(scope.isolate, "(async function* () {}).prototype"))
           .ToLocal(&script) ||
      !script->Run(scope.context).ToLocal(&intrinsic)) {
    return {};
  }
  engine::SetPrototype(scope.context, prototype, intrinsic);
  (void)global->SetPrivate(scope.context, key, prototype);
  return prototype;
}

// Data of the pump's callbacks: [state, { resolver, emit }].
void Pump(Scope& scope, v8::Local<v8::Object> state, v8::Local<v8::Object> call);

v8::Local<v8::Promise::Resolver> ResolverOf(Scope& scope, v8::Local<v8::Object> call) {
  return Take(scope, call, "resolver").As<v8::Promise::Resolver>();
}

void Abandon(Scope& scope, v8::Local<v8::Object> state, v8::Local<v8::Object> call,
             v8::Local<v8::Value> reason) {
  v8::Local<v8::Promise> ignored;
  (void)Request(scope, state, RequestKind::kReturn, v8::Undefined(scope.isolate)).ToLocal(&ignored);
  (void)ResolverOf(scope, call)->Reject(scope.context, reason);
}

void OnEmitted(Scope& scope, CallInfo info) {
  Pump(scope, First(scope, info).As<v8::Object>(), Second(scope, info).As<v8::Object>());
}

void OnEmitFailed(Scope& scope, CallInfo info) {
  Abandon(scope, First(scope, info).As<v8::Object>(), Second(scope, info).As<v8::Object>(), info[0]);
}

void OnRecord(Scope& scope, CallInfo info) {
  const v8::Local<v8::Object> state = First(scope, info).As<v8::Object>();
  const v8::Local<v8::Object> call = Second(scope, info).As<v8::Object>();
  const v8::Local<v8::Object> result = info[0].As<v8::Object>();
  if (Take(scope, result, "done")->IsTrue()) {
    (void)ResolverOf(scope, call)->Resolve(scope.context, v8::Undefined(scope.isolate));
    return;
  }
  v8::TryCatch caught(scope.isolate);
  v8::Local<v8::Value> record = Take(scope, result, "value");
  v8::Local<v8::Value> returned;
  v8::Local<v8::Promise> promise;
  v8::Local<v8::Promise> ignored;
  const v8::Local<v8::Function> emit = Take(scope, call, "emit").As<v8::Function>();
  if (emit->Call(scope.context, v8::Undefined(scope.isolate), 1, &record).ToLocal(&returned) &&
      ToPromise(scope, returned).ToLocal(&promise) &&
      promise
          ->Then(scope.context, Callback(scope, Entry<OnEmitted>, info.Data()),
                 Callback(scope, Entry<OnEmitFailed>, info.Data()))
          .ToLocal(&ignored)) {
    return;
  }
  if (caught.HasTerminated() || scope.runtime.stopping()) {
    caught.ReThrow();
    return;
  }
  const v8::Local<v8::Value> reason = caught.Exception();
  caught.Reset();
  Abandon(scope, state, call, reason);
}

void Pump(Scope& scope, v8::Local<v8::Object> state, v8::Local<v8::Object> call) {
  v8::Local<v8::Promise> next;
  v8::Local<v8::Promise> ignored;
  if (Request(scope, state, RequestKind::kNext, v8::Undefined(scope.isolate)).ToLocal(&next)) {
    (void)next->Then(scope.context, Callback(scope, Entry<OnRecord>, Pair(scope, state, call)))
        .ToLocal(&ignored);
  }
}

}  // namespace

void AsSettledHelper(Scope& scope, CallInfo info) {
  v8::Local<v8::Object> state;
  v8::Local<v8::Object> prototype;
  if (!SetUp(scope, info[0]).ToLocal(&state) || !GeneratorPrototype(scope).ToLocal(&prototype)) return;
  const v8::Local<v8::Object> generator = NullObject(scope.isolate);
  engine::SetPrototype(scope.context, generator, prototype);
  (void)generator->SetPrivate(scope.context, StateKey(scope.isolate), state);
  info.GetReturnValue().Set(generator);
}

void StreamSettledHelper(Scope& scope, CallInfo info) {
  v8::Local<v8::Promise::Resolver> resolver;
  if (!v8::Promise::Resolver::New(scope.context).ToLocal(&resolver)) return;
  info.GetReturnValue().Set(resolver->GetPromise());
  if (!info[1]->IsFunction()) {
    const v8::Local<v8::String> message = Ascii(scope.isolate, "stream_settled requires a callback");
    (void)resolver->Reject(scope.context, v8::Exception::TypeError(message));
    return;
  }
  v8::TryCatch caught(scope.isolate);
  v8::Local<v8::Object> state;
  if (!SetUp(scope, info[0]).ToLocal(&state)) {
    if (caught.HasTerminated() || scope.runtime.stopping()) {
      caught.ReThrow();
      return;
    }
    const v8::Local<v8::Value> reason = caught.Exception();
    caught.Reset();
    (void)resolver->Reject(scope.context, reason);
    return;
  }
  const v8::Local<v8::Object> call = NullObject(scope.isolate);
  Put(scope, call, "resolver", resolver);
  Put(scope, call, "emit", info[1]);
  Pump(scope, state, call);
}

}  // namespace codecell::cell
