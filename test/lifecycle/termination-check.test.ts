import { describe, expect, test } from 'vitest';
import { CodeModeService } from '../../lib/index.js';
import { cleanly, runChild } from './child.js';

describe('the termination check', () => {
  test('finds in an idle process that an optimized endless loop can be stopped', async () => {
    const result = await runChild(`
      const service = new CodeModeService();
      const before = service.stats().termination;
      const timer = setInterval(() => {
        const { termination, sessions } = service.stats();
        if (termination === 'untested') return;
        clearInterval(timer);
        console.log(before, termination, sessions);
        service.close();
      }, 100);
    `);
    expect(result).toEqual(cleanly(0, 'untested works 0\n'));
  });

  test('keeps no process alive', async () => {
    const result = await runChild(`
      const service = new CodeModeService();
      console.log((await service.createSession().exec('text(1)')).status);
    `);
    expect(result).toEqual(cleanly(0, 'completed\n'));
  });

  test.each(['loopUnrolling', 'terminationCheck'])('option %s is refused when it is no boolean', (name) => {
    expect(() => new CodeModeService({ [name]: 1 })).toThrow(`${name} must be a boolean; got 1`);
  });
});
