import { createThreadEngine, type Engine, type EngineOptions, type EventHandler } from './engine.js';
import type { Isolation, ResolvedHostProcessOptions } from './options.js';
import { RemoteEngine } from './remote-engine.js';

/** The engine for an isolation. Throws a CodeModeError `ADDON_UNAVAILABLE` for `thread`. */
export function createEngine(
  isolation: Isolation,
  options: EngineOptions,
  hostProcess: ResolvedHostProcessOptions,
  onEvents: EventHandler,
): Engine {
  if (isolation === 'thread') return createThreadEngine(options, onEvents);
  return new RemoteEngine({ ...options, ...hostProcess }, onEvents);
}
