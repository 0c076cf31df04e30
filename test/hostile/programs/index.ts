import type { Group, HostileProgram } from '../program.js';
import { builtinPrograms } from './builtins.js';
import { cpuPrograms } from './cpu.js';
import { escapePrograms } from './escapes.js';
import { floodPrograms } from './floods.js';
import { memoryPrograms } from './memory.js';
import { thrownPrograms } from './thrown.js';

export const allPrograms: readonly (readonly [Group, readonly HostileProgram[]])[] = [
  ['cpu', cpuPrograms],
  ['memory', memoryPrograms],
  ['floods', floodPrograms],
  ['thrown values', thrownPrograms],
  ['uninterruptible builtins', builtinPrograms],
  ['escapes', escapePrograms],
];
