// ResizableBuffers: counts the resizable array buffers of one isolate.
//
// V8 reserves the address space of `new ArrayBuffer(size, { maxByteLength })` itself, past the isolate's
// allocator, and has no hook for that on all its versions. The constructor that scripts see is therefore a
// proxy of V8's. It counts each resizable buffer with all of its maxByteLength against the allocator's limit,
// until V8 has freed it. V8's own constructor gets numbers alone, so that no code of the script runs inside
// of it and no stack trace can hand it out. Owned by the Isolate. [isolate]
#pragma once

#include <v8.h>

#include <memory>
#include <vector>

namespace codecell::engine {

class BufferAllocator;

class ResizableBuffers {
 public:
  explicit ResizableBuffers(BufferAllocator& allocator) : allocator_(allocator) {}
  ~ResizableBuffers();
  ResizableBuffers(const ResizableBuffers&) = delete;
  ResizableBuffers& operator=(const ResizableBuffers&) = delete;

  // Replaces ArrayBuffer and its `transfer` in a context that has run no script.
  void Install(v8::Local<v8::Context> context);
  // Gives back what belongs to buffers that V8 has freed.
  void Prune();
  // Lets go of handles, before the isolate is disposed.
  void Clear();

 private:
  struct Tracked {
    std::weak_ptr<v8::BackingStore> store;
    size_t bytes;
  };

  static void Construct(const v8::FunctionCallbackInfo<v8::Value>& info);
  static void Transfer(const v8::FunctionCallbackInfo<v8::Value>& info);
  v8::MaybeLocal<v8::ArrayBuffer> Make(v8::Local<v8::Context> context, double length, double most);
  bool Reserve(v8::Isolate* isolate, size_t bytes);
  void Track(v8::Local<v8::ArrayBuffer> buffer, size_t bytes);

  BufferAllocator& allocator_;
  v8::Global<v8::Function> constructor_;
  v8::Global<v8::Proxy> proxy_;
  v8::Global<v8::Function> transfer_;
  std::vector<Tracked> tracked_;
  // Counted since memory was last asked back from V8: a collection cannot give back more.
  size_t since_collection_ = 0;
};

}  // namespace codecell::engine
