import { createThreadEngine, type Engine, type EngineOptions } from './engine.js';
import type { NativeEventHandler } from '../native/addon.js';
import type { Isolation, ResolvedHostProcessOptions } from './options.js';
import { RemoteEngine } from './remote-engine.js';

/** The engine for an isolation. Throws a CodeModeError `ADDON_UNAVAILABLE` for `thread`. */
export function createEngine(
  isolation: Isolation,
  options: EngineOptions,
  hostProcess: ResolvedHostProcessOptions,
  onEvent: NativeEventHandler,
): Engine {
  if (isolation === 'thread') return createThreadEngine(options, onEvent);
  return new RemoteEngine({ ...options, ...hostProcess }, onEvent);
}
