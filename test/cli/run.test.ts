import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { fixture, run, start } from './command.js';

const build = fileURLToPath(new URL('../../scripts/build.mjs', import.meta.url));
const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));

// The program under test is the built one; building is no work when it is current.
beforeAll(() => {
  execFileSync(process.execPath, [build, '--lib']);
}, 120_000);

describe('codecell run', () => {
  test('prints output items and exits with 0', async () => {
    const result = await run(['run', '-'], 'text("a"); text({ b: 1 })');
    expect(result).toEqual({ code: 0, signal: null, stdout: 'a\n{"b":1}\n', stderr: '' });
  });

  test('runs a file with the tools of a module', async () => {
    const result = await run(['run', fixture('sum.js'), '--tools', fixture('tools.mjs')]);
    expect(result).toEqual({ code: 0, signal: null, stdout: '3\n', stderr: '' });
  });

  test('takes tools from an export named tools, and ends although the module keeps timers', async () => {
    const result = await run(
      ['run', '-', '--tools', fixture('named-tools.mjs')],
      'text(await tools.hello())',
    );
    expect(result).toMatchObject({ code: 0, stdout: 'hello from a named export\n' });
  });

  test('prints images and audio as one line each', async () => {
    const source =
      'image("data:image/png;base64,AAAA"); image("https://x/y.png", "low"); audio("data:audio/wav;base64,AAAA")';
    const { stdout } = await run(['run', '-'], source);
    expect(stdout.split('\n')).toEqual([
      '[image, detail high: data URL image/png of 26 characters]',
      '[image, detail low: https://x/y.png]',
      '[audio: data URL audio/wav of 26 characters]',
      '',
    ]);
  });

  test('prints notifications on standard error', async () => {
    const result = await run(['run', '-'], 'notify("soon"); text("done")');
    expect(result).toMatchObject({ code: 0, stdout: 'done\n', stderr: 'notify: soon\n' });
  });

  test('exits with 1 and shows the stack when the script fails', async () => {
    const result = await run(['run', '-'], 'text("before");\nnull.x');
    expect(result).toMatchObject({ code: 1, stdout: 'before\n' });
    expect(result.stderr).toContain(
      "TypeError: Cannot read properties of null (reading 'x')\n    at exec_main.mjs:2:6",
    );
  });

  test('exits with 1 and shows the position of a syntax error', async () => {
    const result = await run(['run', '-'], 'const a = = 1');
    expect(result.code).toBe(1);
    expect(result.stderr).toContain('exec_main.mjs:1:11');
  });

  test('reports failures that the script did not see', async () => {
    const result = await run(['run', '-'], 'Promise.reject(new Error("lost")); text("ok")');
    expect(result).toMatchObject({ code: 0, stdout: 'ok\n' });
    expect(result.stderr).toContain('UNHANDLED_REJECTION');
  });

  test('exits with 124 when the heap limit is reached', async () => {
    const source = 'const hold = []; for (;;) hold.push(new Array(1000).fill(hold.length))';
    const result = await run(['run', '-', '--heap-mb', '32'], source);
    expect(result).toMatchObject({ code: 124, signal: null });
    expect(result.stderr).toContain('HEAP_LIMIT');
  });

  test('goes on after yields until the script has settled', async () => {
    const source =
      'text("a"); yield_control(); await new Promise((r) => setTimeout(r, 30)); text("b"); yield_control(); text("c")';
    for (const time of ['0', '5', '10000']) {
      const result = await run(['run', '-', '--yield-time-ms', time], source);
      expect(result).toMatchObject({ code: 0, stdout: 'a\nb\nc\n' });
    }
  });

  test('counts lines from the pragma line on', async () => {
    const result = await run(['run', '-'], '// @exec: {"yield_time_ms": 1}\nnull.x');
    expect(result.stderr).toContain('exec_main.mjs:2:6');
  });

  test('prints one JSON object with the outcome when asked to', async () => {
    const source = 'text(await tools.add({ a: 1, b: 2 })); yield_control(); notify("n"); text("last")';
    const result = await run(['run', '-', '--json', '--tools', fixture('tools.mjs')], source);
    expect(result).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(result.stdout)).toMatchObject({
      status: 'completed',
      error: null,
      contentItems: [
        { type: 'input_text', text: '3' },
        { type: 'input_text', text: 'last' },
      ],
      notifications: ['n'],
      toolCalls: [{ id: 'tool-1', name: 'add', status: 'completed' }],
      metrics: { toolCalls: 1 },
    });
  });

  test('prints the error in JSON and exits with 1', async () => {
    const result = await run(['run', '-', '--json'], 'throw new Error("x")');
    expect(result).toMatchObject({ code: 1, stderr: '' });
    expect(JSON.parse(result.stdout)).toMatchObject({
      status: 'failed',
      error: { code: 'SCRIPT_ERROR', message: 'x' },
    });
  });

  test('terminates the cell and exits with 130 on an interrupt', async () => {
    const command = start(['run', '-'], 'text("running"); for (;;);');
    await command.printed('running');
    command.child.kill('SIGINT');
    expect(await command.result).toMatchObject({ code: 130, signal: null, stdout: 'running\n' });
  });

  test('terminates the cell when nobody reads its output any more', async () => {
    const command = start(
      ['run', '-'],
      'for (;;) { text("x".repeat(1000)); await new Promise((r) => setTimeout(r)) }',
    );
    await command.printed('x');
    command.child.stdout!.destroy();
    expect(await command.result).toMatchObject({ code: 141, signal: null, stderr: '' });
  });
});

describe('codecell refuses with exit code 2', () => {
  const refused = async (args: string[], message: string, input = 'text(1)') => {
    const result = await run(args, input);
    expect(result).toMatchObject({ code: 2, stdout: '' });
    expect(result.stderr).toContain(message);
  };

  test('an unknown option', () => refused(['run', '-', '--heap', '5'], "Unknown option '--heap'"));
  test('an option without its value', () => refused(['run', '-', '--tools'], '--tools'));
  test('a number that is none', () => refused(['run', '-', '--heap-mb', '1.5'], '--heap-mb must be'));
  test('a negative yield time', () => refused(['run', '-', '--yield-time-ms=-1'], '--yield-time-ms must be'));
  test('a missing command', () => refused([], 'a command is missing'));
  test('an unknown command', () => refused(['start', 'x.js'], 'there is no command `start`'));
  test('a missing script', () => refused(['run'], 'needs a script file'));
  test('more than one script', () => refused(['run', 'a.js', 'b.js'], 'takes one script; got 2'));
  test('a file that does not exist', () => refused(['run', 'no-such.js'], 'cannot read no-such.js: ENOENT'));
  test('a folder', () => refused(['run', 'lib'], 'cannot read lib: EISDIR'));
  test('an empty script', () => refused(['run', '-'], 'exec expects raw JavaScript source text', ' \n'));
  test('a pragma with an unknown key', () =>
    refused(['run', '-'], 'exec pragma only supports', '// @exec: {"foo": 1}\ntext(1)'));
  test('a tools module that does not exist', () =>
    refused(['run', '-', '--tools', 'no-such.mjs'], 'cannot load the tools module no-such.mjs'));
  test('a tools module that throws', () =>
    refused(['run', '-', '--tools', fixture('throwing-tools.mjs')], 'this module does not load'));
  test('a tools module without tools', () =>
    refused(['run', '-', '--tools', fixture('no-tools.mjs')], 'must export an array of tool definitions'));
  test('tools whose names collide', () =>
    refused(['run', '-', '--tools', fixture('colliding-tools.mjs')], 'a_b'));
});

describe('codecell', () => {
  test('--help shows the options', async () => {
    const result = await run(['--help']);
    expect(result).toMatchObject({ code: 0, stderr: '' });
    for (const option of ['--tools', '--yield-time-ms', '--heap-mb', '--json'])
      expect(result.stdout).toContain(option);
  });

  test('--version shows the version of the package', async () => {
    expect(await run(['--version'])).toMatchObject({ code: 0, stdout: `${manifest.version}\n`, stderr: '' });
  });
});
