// Where V8 meets the Node process that hosts it: the platform its isolates register with, process-wide V8
// flags, and the hook that runs before Node takes its platform down. platform.cc alone needs node.h.
#pragma once

#include <v8.h>

#include <memory>

namespace codecell::engine {

class TaskQueue;

// Registers isolates with Node's platform. Made on the host thread; shared by all isolate threads. [any]
class Platform {
 public:
  // An isolate's registration; keeps alive what Node's platform refers to meanwhile. [isolate]
  class Registration {
   public:
    virtual ~Registration() = default;
    // Disposes the isolate and ends the registration, in the order that this Node's platform wants.
    virtual void DisposeIsolate() = 0;
  };

  // [host] The platform of the Node environment that is running now; null outside of Node.
  static std::shared_ptr<Platform> OfCurrentEnvironment();

  virtual ~Platform() = default;
  // [isolate] Between Isolate::Allocate and Isolate::Initialize.
  virtual std::unique_ptr<Registration> Register(v8::Isolate* isolate, std::shared_ptr<TaskQueue> tasks) = 0;
};

// [host] Runs `callback` once when the current environment ends, also through process.exit(), where Node
// runs no other clean-up before it takes the platform away.
void BeforeEnvironmentEnds(void (*callback)(void*), void* data);

// V8's version, for people.
const char* V8Version();
// The ABI (NODE_MODULE_VERSION) that this addon was compiled for. The addon uses V8 directly, so it works
// with no other.
int CompiledNodeAbi();

// [host] Once per process: flags without which scripts could not be stopped.
void SetProcessFlags();

}  // namespace codecell::engine
