import { expect } from 'vitest';
import type { Group, HostileProgram } from './program.js';
import { runProgram } from './run.js';
import { addRow } from './table.js';

/** What every program's child has to have done: lived, ended by itself, and gone on with ten more cells. */
const survived = { hung: false, code: 0, signal: null, stderr: '', leaks: [] };
const tenMore = Array.from({ length: 10 }, (_, i) => `completed {"i":${i}}`);

/** Runs a program and checks its end. `group` is where the table lists it. */
export async function checkProgram(group: Group, program: HostileProgram): Promise<void> {
  const end = await runProgram(program);
  const { report } = end;
  addRow(group, program, end, report);
  const { hung, code, signal, stderr } = end;
  expect({ hung, code, signal, stderr: stderr.slice(0, 2000), leaks: report?.leaks }).toEqual(survived);
  if (report === null) throw new Error(`no report: ${end.stdout}`);
  const ended = report.code === '' ? report.status : `${report.status} ${report.code}`;
  expect(program.ends, `${report.message} ${report.output}`).toContain(ended);
  expect(report.next).toEqual(tenMore);
  if (program.output !== undefined) expect(report.output).toBe(program.output);
  if (program.notifications !== undefined) expect(report.notifications).toBe(program.notifications);
}
