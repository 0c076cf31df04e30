#include "engine/resizable_buffers.h"

#include <algorithm>
#include <atomic>
#include <cmath>

#include "base/units.h"
#include "engine/isolate.h"
#include "engine/values.h"

namespace codecell::engine {
namespace {

// What a resizable buffer counts at least. Each takes up to two mappings of the process, however small it is.
constexpr size_t kLeastBytes = 64 * base::kKilobyte;
// Of all cells together: Linux gives a process 65,530 mappings, and nothing works without any left.
constexpr int kMostBuffers = 8192;
std::atomic<int> live_buffers{0};

void ThrowRefusal(v8::Isolate* isolate) {
  isolate->ThrowException(v8::Exception::RangeError(Ascii(isolate, "Array buffer allocation failed")));
}

// The cell has slot 0.
constexpr uint32_t kSlot = 1;

ResizableBuffers& Self(v8::Isolate* isolate) {
  return *static_cast<ResizableBuffers*>(isolate->GetData(kSlot));
}

}  // namespace

ResizableBuffers::~ResizableBuffers() { live_buffers -= static_cast<int>(tracked_.size()); }

void ResizableBuffers::Install(v8::Local<v8::Context> context) {
  v8::Isolate* const isolate = v8::Isolate::GetCurrent();
  const v8::HandleScope handles(isolate);
  const v8::Local<v8::Object> global = context->Global();
  const auto get = [&](v8::Local<v8::Object> object, const char* key) {
    return object->Get(context, Ascii(isolate, key)).ToLocalChecked();
  };
  const auto define = [&](v8::Local<v8::Object> object, const char* key, v8::Local<v8::Value> value) {
    object->DefineOwnProperty(context, Ascii(isolate, key), value, v8::DontEnum).Check();
  };
  isolate->SetData(kSlot, this);
  const v8::Local<v8::Function> constructor = get(global, "ArrayBuffer").As<v8::Function>();
  const v8::Local<v8::Object> prototype = get(constructor, "prototype").As<v8::Object>();
  const v8::Local<v8::Object> handler = v8::Object::New(isolate, v8::Null(isolate), nullptr, nullptr, 0);
  const v8::Local<v8::Function> construct =
      v8::Function::New(context, Construct, {}, 3, v8::ConstructorBehavior::kThrow).ToLocalChecked();
  handler->CreateDataProperty(context, Ascii(isolate, "construct"), construct).Check();
  const v8::Local<v8::Proxy> proxy = v8::Proxy::New(context, constructor, handler).ToLocalChecked();
  constructor_.Reset(isolate, constructor);
  proxy_.Reset(isolate, proxy);
  define(global, "ArrayBuffer", proxy);
  define(prototype, "constructor", proxy);
  const v8::Local<v8::Value> transfer = get(prototype, "transfer");
  if (!transfer->IsFunction()) return;
  transfer_.Reset(isolate, transfer.As<v8::Function>());
  const v8::Local<v8::Function> guarded =
      v8::Function::New(context, Transfer, {}, 0, v8::ConstructorBehavior::kThrow).ToLocalChecked();
  guarded->SetName(Ascii(isolate, "transfer"));
  define(prototype, "transfer", guarded);
}

// The proxy's `construct` trap: target, arguments, new.target.
void ResizableBuffers::Construct(const v8::FunctionCallbackInfo<v8::Value>& info) {
  v8::Isolate* const isolate = info.GetIsolate();
  const v8::Local<v8::Context> context = isolate->GetCurrentContext();
  ResizableBuffers& self = Self(isolate);
  const v8::Local<v8::Array> arguments = info[1].As<v8::Array>();
  v8::Local<v8::Value> given[2] = {v8::Undefined(isolate), v8::Undefined(isolate)};
  for (uint32_t i = 0; i < std::min(arguments->Length(), 2u); i++) {
    if (!arguments->Get(context, i).ToLocal(&given[i])) return;
  }
  double length = 0;
  // Of a buffer that cannot be resized.
  double most = -1;
  if (!given[0]->IsUndefined() && !given[0]->NumberValue(context).To(&length)) return;
  if (given[1]->IsObject()) {
    v8::Local<v8::Value> option;
    if (!given[1].As<v8::Object>()->Get(context, Ascii(isolate, "maxByteLength")).ToLocal(&option)) return;
    if (!option->IsUndefined()) {
      if (!option->NumberValue(context).To(&most)) return;
      // As V8 would convert it. What is below 0 it refuses with the right error as -1.
      most = std::isnan(most) ? 0 : std::max(std::trunc(most), -1.0);
      if (most == -1) most = HUGE_VAL;
    }
  }
  v8::Local<v8::Value> prototype;
  if (info[2] != self.proxy_.Get(isolate) &&
      !info[2].As<v8::Object>()->Get(context, Ascii(isolate, "prototype")).ToLocal(&prototype)) {
    return;
  }
  v8::Local<v8::ArrayBuffer> buffer;
  if (!self.Make(context, length, most).ToLocal(&buffer)) return;
  if (!prototype.IsEmpty() && prototype->IsObject()) SetPrototype(context, buffer, prototype);
  info.GetReturnValue().Set(buffer);
}

v8::MaybeLocal<v8::ArrayBuffer> ResizableBuffers::Make(v8::Local<v8::Context> context, double length,
                                                       double most) {
  v8::Isolate* const isolate = v8::Isolate::GetCurrent();
  v8::Local<v8::Value> arguments[2] = {v8::Number::New(isolate, length)};
  v8::Local<v8::Object> made;
  if (most < 0) {
    if (!constructor_.Get(isolate)->NewInstance(context, 1, arguments).ToLocal(&made)) return {};
    return made.As<v8::ArrayBuffer>();
  }
  const v8::Local<v8::Object> options = v8::Object::New(isolate, v8::Null(isolate), nullptr, nullptr, 0);
  options->CreateDataProperty(context, Ascii(isolate, "maxByteLength"), v8::Number::New(isolate, most))
      .Check();
  arguments[1] = options;
  // Numbers that V8 itself refuses need no room.
  constexpr double kMostLength = 9007199254740991;
  const bool valid = most <= kMostLength && !(length > most) && !(length <= -1);
  const size_t bytes = valid ? std::max(static_cast<size_t>(most), kLeastBytes) : 0;
  if (valid && !Reserve(isolate, bytes)) {
    ThrowRefusal(isolate);
    return {};
  }
  if (!constructor_.Get(isolate)->NewInstance(context, 2, arguments).ToLocal(&made)) {
    allocator_.Unreserve(bytes);
    return {};
  }
  Track(made.As<v8::ArrayBuffer>(), bytes);
  return made.As<v8::ArrayBuffer>();
}

bool ResizableBuffers::Reserve(v8::Isolate* isolate, size_t bytes) {
  const auto fits = [&] { return live_buffers < kMostBuffers && allocator_.Reserve(bytes); };
  if (fits()) return true;
  Prune();
  if (fits()) return true;
  // V8 knows nothing of what is reserved, and so does not collect for it.
  if (since_collection_ >= allocator_.limit() / 8 || tracked_.size() >= kMostBuffers / 8) {
    since_collection_ = 0;
    isolate->LowMemoryNotification();
    Prune();
    if (fits()) return true;
  }
  allocator_.CountRefusal();
  return false;
}

void ResizableBuffers::Track(v8::Local<v8::ArrayBuffer> buffer, size_t bytes) {
  tracked_.push_back({buffer->GetBackingStore(), bytes});
  live_buffers++;
  since_collection_ += bytes;
}

void ResizableBuffers::Prune() {
  std::erase_if(tracked_, [&](const Tracked& tracked) {
    if (!tracked.store.expired()) return false;
    allocator_.Unreserve(tracked.bytes);
    live_buffers--;
    return true;
  });
}

// transfer() of a resizable buffer may make a new one of the same maxByteLength, while the old one is freed.
void ResizableBuffers::Transfer(const v8::FunctionCallbackInfo<v8::Value>& info) {
  v8::Isolate* const isolate = info.GetIsolate();
  const v8::Local<v8::Context> context = isolate->GetCurrentContext();
  ResizableBuffers& self = Self(isolate);
  v8::Local<v8::Value> length;
  int count = 0;
  if (!info[0]->IsUndefined()) {
    double number = 0;
    if (!info[0]->NumberValue(context).To(&number)) return;
    length = v8::Number::New(isolate, number);
    count = 1;
  }
  v8::Local<v8::Value> result;
  if (!self.transfer_.Get(isolate)->Call(context, info.This(), count, &length).ToLocal(&result)) return;
  info.GetReturnValue().Set(result);
  if (!result->IsArrayBuffer()) return;
  const v8::Local<v8::ArrayBuffer> buffer = result.As<v8::ArrayBuffer>();
  const std::shared_ptr<v8::BackingStore> store = buffer->GetBackingStore();
  if (!store->IsResizableByUserJavaScript()) return;
  for (const Tracked& tracked : self.tracked_) {
    if (!tracked.store.owner_before(store) && !store.owner_before(tracked.store)) return;
  }
  self.Prune();
  const size_t bytes = std::max(buffer->MaxByteLength(), kLeastBytes);
  self.allocator_.ReserveAnyway(bytes);
  self.Track(buffer, bytes);
}

void ResizableBuffers::Clear() {
  constructor_.Reset();
  proxy_.Reset();
  transfer_.Reset();
}

}  // namespace codecell::engine
