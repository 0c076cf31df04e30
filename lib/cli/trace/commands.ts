import type { TraceCommand } from './command.js';
import { exportCommand } from './export.js';
import { reduceCommand } from './reduce.js';
import { showCommand } from './show.js';
import { verifyCommand } from './verify.js';
import { viewCommand } from './view.js';
import { whyCommand } from './why.js';

/** Every command of `codecell trace`, in the order of the help text. */
export const commands: readonly TraceCommand[] = [
  reduceCommand,
  verifyCommand,
  showCommand,
  whyCommand,
  viewCommand,
  exportCommand,
];
