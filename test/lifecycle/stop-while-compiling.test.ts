import { expect, it } from 'vitest';
import { cleanly, runChild } from './child.js';

it('stopping cells while they are compiled and entered leaves the process alive', async () => {
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
