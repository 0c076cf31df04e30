// Audio files as a script may hand them over: any bytes. A duration is a number that can be one.
#include <cmath>

#include "base/audio_clip.h"
#include "fuzz/reader.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto duration_ms = codecell::base::AudioDurationMs({data, size});
  if (duration_ms) PROPERTY(std::isfinite(*duration_ms) && *duration_ms >= 0);
  return 0;
}
