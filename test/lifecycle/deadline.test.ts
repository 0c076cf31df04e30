import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { armDeadline } from '../../lib/deadline.js';

/** Arms a deadline for each time, all at once, and resolves with the times in the order in which they fired. */
function firingOrder(times: number[]): Promise<number[]> {
  const fired: number[] = [];
  return new Promise((resolve) => {
    for (const time of times) {
      armDeadline(time, () => {
        fired.push(time);
        if (fired.length === times.length) resolve(fired);
      });
    }
  });
}

describe('deadlines', () => {
  it('fire in the order of their times, whatever the order in which they were armed', async () => {
    const times = [40, 5, 60, 20, 1, 0];
    expect(await firingOrder(times)).toEqual([...times].sort((a, b) => a - b));
  });

  it('fire when they are armed by a deadline that fires', async () => {
    const fired: string[] = [];
    await new Promise<void>((resolve) => {
      armDeadline(1, () => {
        fired.push('first');
        armDeadline(1, () => {
          fired.push('second');
          resolve();
        });
      });
    });
    expect(fired).toEqual(['first', 'second']);
  });

  it('do not fire once disarmed, by their own or by another deadline of the same moment', async () => {
    let fired = 0;
    const disarm = armDeadline(5, () => fired++);
    armDeadline(5, () => disarmOther());
    const disarmOther = armDeadline(5, () => fired++);
    disarm();
    await firingOrder([5, 6, 20]);
    expect(fired).toBe(0);
  });

  it('keep a process alive while armed, and not afterwards', () => {
    const module = new URL('../../lib/deadline.ts', import.meta.url).href;
    const script = `
      const { armDeadline } = await import(${JSON.stringify(module)});
      armDeadline(3_600_000, () => {})();
      armDeadline(30, () => process.stdout.write('fired'));
      armDeadline(Infinity, () => {});
    `;
    const child = spawnSync(
      process.execPath,
      ['--import', import.meta.resolve('tsx'), '--input-type=module', '-e', script],
      { timeout: 30_000 },
    );
    expect(child.stdout.toString()).toBe('fired');
    expect(child.status).toBe(0);
  });
});
