import { expect, it } from 'vitest';
import { cleanly, runChild } from './child.js';

it('stopping cells while they are compiled leaves the process alive', async () => {
  const end = await runChild(`
    const service = new CodeModeService();
    const session = service.createSession();
    const lines = Array.from({ length: 3000 }, (_, i) => 'const v' + i + ' = 1;').join('\\n');
    const sources = [lines + '\\nawait 0', 'await 0;\\n' + lines];
    let ended = 0;
    for (let round = 0; round < 150; round++) {
      await Promise.all([0, 1, 2, 3].map(async (k) => {
        const cell = session.start(sources[k % 2], { limits: { wallMs: 1 + (round % 4) } });
        if (k % 2 === 0) await session.terminate(cell.cellId);
        else await cell.outcome();
        ended++;
      }));
    }
    console.log(ended, (await session.exec('text("next")')).status);
    await service.close();
  `);
  expect(end).toEqual(cleanly(0, '600 completed\n'));
});

// V8 before 13 ends the process when it enters an asynchronous module with a termination pending: a window of some
// microseconds, which these stops at steps of one microsecond meet many times.
it('stopping cells while they are entered leaves the process alive', async () => {
  const end = await runChild(`
    const service = new CodeModeService();
    const session = service.createSession();
    for (let i = 0; i < 6000; i++) {
      const cell = session.start('await 0');
      const until = performance.now() + (i % 200) / 1000;
      while (performance.now() < until);
      await session.terminate(cell.cellId);
    }
    console.log((await session.exec('text("next")')).status);
    await service.close();
  `);
  expect(end).toEqual(cleanly(0, 'completed\n'));
});
