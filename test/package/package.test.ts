import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

interface Manifest {
  name: string;
  version: string;
  type: string;
  exports: Record<string, unknown>;
  bin: Record<string, string>;
  dependencies: Record<string, string>;
  optionalDependencies?: Record<string, string>;
}

interface Pack {
  filename: string;
  files: { path: string }[];
}

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest;
const abi = process.versions.modules;

let consumer: string;
let installed: string;
let packed: string[];

function run(command: string, args: string[], cwd: string) {
  const environment: NodeJS.ProcessEnv = { ...process.env, NODE_NO_WARNINGS: '1' };
  // The package must find its binary by itself.
  delete environment['CODECELL_ADDON'];
  delete environment['PREBUILDS_ONLY'];
  delete environment['NODE_OPTIONS'];
  // As npm does for install scripts: the running Node and the programs of dependencies come first.
  const path = [dirname(process.execPath), join(root, 'node_modules', '.bin'), environment['PATH']];
  environment['PATH'] = path.join(delimiter);
  const result = spawnSync(command, args, { cwd, env: environment, encoding: 'utf8' });
  if (result.error) throw result.error;
  return result;
}

function runNode(args: string[], cwd = consumer) {
  const result = run(process.execPath, args, cwd);
  expect(result.stderr).toBe('');
  expect(result.status).toBe(0);
  return result.stdout;
}

/** The addon that the running suite uses. */
function addonUnderTest(): string {
  return process.env['CODECELL_ADDON'] ?? join(root, 'build', 'Release', 'codecell.node');
}

/** Installs the packed package and links its dependencies, as an install from a registry lays them out. */
beforeAll(() => {
  const built = run(process.execPath, [join(root, 'scripts', 'build.mjs'), '--lib'], root);
  if (built.status !== 0) throw new Error(`dist/ does not build:\n${built.stdout}${built.stderr}`);

  consumer = mkdtempSync(join(tmpdir(), 'codecell-package-'));
  const pack = run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', consumer], root);
  if (pack.status !== 0) throw new Error(`npm pack failed:\n${pack.stderr}`);
  const report = JSON.parse(pack.stdout) as Pack[] | Record<string, Pack>;
  const [tarball] = Object.values(report);
  if (tarball === undefined) throw new Error('npm pack reported no tarball');
  packed = tarball.files.map(({ path }) => path).sort();

  installed = join(consumer, 'node_modules', 'codecell');
  mkdirSync(installed, { recursive: true });
  const unpack = run(
    'tar',
    ['-xzf', join(consumer, tarball.filename), '--strip-components=1', '-C', installed],
    root,
  );
  if (unpack.status !== 0) throw new Error(`tar failed:\n${unpack.stderr}`);

  // Dependencies, and what every TypeScript consumer on Node has.
  for (const name of [...Object.keys(manifest.dependencies), '@types/node', 'undici-types']) link(name);

  const prebuilds = join(installed, 'prebuilds', `${process.platform}-${process.arch}`);
  rmSync(join(installed, 'prebuilds'), { recursive: true, force: true });
  mkdirSync(prebuilds, { recursive: true });
  copyFileSync(addonUnderTest(), join(prebuilds, `codecell.node.abi${abi}.node`));
  writeFileSync(join(consumer, 'package.json'), '{ "private": true, "type": "module" }\n');
}, 120_000);

afterAll(() => {
  if (consumer) rmSync(consumer, { recursive: true, force: true });
});

function link(name: string): void {
  const target = join(consumer, 'node_modules', name);
  mkdirSync(dirname(target), { recursive: true });
  symlinkSync(join(root, 'node_modules', name), target, 'junction');
}

describe('the packed files', () => {
  test('hold what a user needs and what builds the addon', () => {
    for (const file of [
      'package.json',
      'LICENSE',
      'CHANGELOG.md',
      'README.md',
      'binding.gyp',
      'native/sources.txt',
      'scripts/install.mjs',
      'scripts/node-headers.mjs',
      'dist/index.js',
      'dist/index.d.ts',
      'dist/trace/view/assets/viewer.js',
      'dist/trace/view/assets/viewer-style.css',
    ]) {
      expect(packed).toContain(file);
    }
    const sources = readFileSync(join(root, 'native', 'sources.txt'), 'utf8')
      .trim()
      .split('\n');
    expect(sources.filter((file) => !packed.includes(file))).toEqual([]);
  });

  test('hold nothing else', () => {
    const expected =
      /^(package\.json|README\.md|LICENSE|CHANGELOG\.md|binding\.gyp|dist\/.+\.(js|d\.ts|js\.map)|dist\/trace\/view\/assets\/viewer-style\.css|docs\/.+|native\/sources\.txt|native\/(base|engine|cell|pool|addon)\/\w+\.(h|cc)|prebuilds\/.+\.node|scripts\/(install|node-headers)\.mjs)$/;
    expect(packed.filter((file) => !expected.test(file))).toEqual([]);
  });

  test('hold every file the manifest points to', () => {
    const targets = (value: unknown): string[] =>
      typeof value === 'string' ? [value] : Object.values(value as object).flatMap(targets);
    const named = [...targets(manifest.exports), ...targets(manifest.bin)];
    expect(named.filter((file) => !file.includes('*') && !existsSync(join(installed, file)))).toEqual([]);
    for (const file of targets(manifest.bin)) {
      expect(readFileSync(join(installed, file), 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
    }
  });
});

describe('the installed package', () => {
  const job = `
    const service = new codecell.CodeModeService({ warmIsolates: 0 });
    const session = service.createSession({ tools: [] });
    session.exec('text(6 * 7)').then(async (outcome) => {
      console.log(outcome.status, outcome.contentItems[0].text);
      await service.close();
    });`;

  test('runs a script when it was imported', () => {
    writeFileSync(join(consumer, 'imported.mjs'), `import * as codecell from 'codecell';${job}`);
    expect(runNode(['imported.mjs'])).toBe('completed 42\n');
  });

  test('runs a script when it was required', () => {
    writeFileSync(join(consumer, 'required.cjs'), `const codecell = require('codecell');${job}`);
    expect(runNode(['required.cjs'])).toBe('completed 42\n');
  });

  test('is one module whether it was imported or required', () => {
    writeFileSync(
      join(consumer, 'both.mjs'),
      `import { createRequire } from 'node:module';
       import { CodeModeService } from 'codecell';
       console.log(createRequire(import.meta.url)('codecell').CodeModeService === CodeModeService);`,
    );
    expect(runNode(['both.mjs'])).toBe('true\n');
  });

  test('has one copy of what its entry points share', () => {
    writeFileSync(
      join(consumer, 'shared.mjs'),
      `import { CodeModeError } from 'codecell';
       import { TraceError } from 'codecell/trace';
       console.log(TraceError.prototype instanceof CodeModeError);`,
    );
    expect(runNode(['shared.mjs'])).toBe('true\n');
  });

  test('starts a host process from one file', () => {
    expect(readFileSync(join(installed, 'dist', 'host', 'main.js'), 'utf8')).not.toMatch(
      /(?:from|import) ?"\./,
    );
    writeFileSync(
      join(consumer, 'isolated.mjs'),
      `import * as codecell from 'codecell';${job}`.replace('warmIsolates: 0', "isolation: 'process'"),
    );
    expect(runNode(['isolated.mjs'])).toBe('completed 42\n');
  });

  test('names the optional peer that an adapter needs, and does without it otherwise', () => {
    writeFileSync(
      join(consumer, 'peer.mjs'),
      `await import('codecell').then(() => console.log('loaded'));
       await import('codecell/opentelemetry').catch(({ code, message }) => console.log(code, message));`,
    );
    expect(runNode(['peer.mjs'])).toMatch(/^loaded\nERR_MODULE_NOT_FOUND .*'@opentelemetry\/api'/);
  });

  test('has adapters that work when their peer is there, imported and required', () => {
    link('@opentelemetry/api');
    for (const [file, head] of [
      [
        'adapter.mjs',
        `import { createOpenTelemetryObserver } from 'codecell/opentelemetry';import * as codecell from 'codecell';`,
      ],
      [
        'adapter.cjs',
        `const { createOpenTelemetryObserver } = require('codecell/opentelemetry');const codecell = require('codecell');`,
      ],
    ] as const) {
      const withObserver = job.replace(
        'warmIsolates: 0',
        'warmIsolates: 0, observers: [createOpenTelemetryObserver()]',
      );
      writeFileSync(join(consumer, file), head + withObserver);
      expect(runNode([file])).toBe('completed 42\n');
    }
  });

  test('does not keep the process alive by being loaded', () => {
    writeFileSync(
      join(consumer, 'idle.mjs'),
      `import { CodeModeService } from 'codecell';
       globalThis.service = new CodeModeService();
       console.log('loaded');`,
    );
    expect(runNode(['idle.mjs'])).toBe('loaded\n');
  });

  test('needs no build when a prebuilt binary fits', () => {
    const script = join(installed, 'scripts', 'install.mjs');
    const result = run(process.execPath, [script], installed);
    expect(result.status).toBe(0);
    expect(existsSync(join(installed, 'build'))).toBe(false);
  });

  test('hides its inner files', () => {
    writeFileSync(join(consumer, 'inner.mjs'), `await import('codecell/dist/native/load.js');`);
    const result = run(process.execPath, ['inner.mjs'], consumer);
    expect(result.status).not.toBe(0);
    expect(result.stderr).toContain('ERR_PACKAGE_PATH_NOT_EXPORTED');
  });
});

describe('the types', () => {
  const source = (load: string) => `
    ${load}
    export async function run(): Promise<string> {
      const service = new codecell.CodeModeService({ warmIsolates: 1 });
      const session = service.createSession({ tools: [] });
      const outcome = await session.exec('text("hello")', { yieldTimeMs: 1000 });
      const id: string = outcome.cellId;
      await service.close();
      return id + outcome.status;
    }
    // @ts-expect-error: not an option
    new codecell.CodeModeService({ warmIsolate: 1 });
  `;

  test('resolve for ES modules and CommonJS, checked strictly', () => {
    writeFileSync(join(consumer, 'consumer.mts'), source(`import * as codecell from 'codecell';`));
    writeFileSync(join(consumer, 'consumer.cts'), source(`import codecell = require('codecell');`));
    compile({ module: 'nodenext', moduleResolution: 'nodenext' }, ['consumer.mts', 'consumer.cts']);
  });

  test('of the subpath exports resolve, too', () => {
    writeFileSync(
      join(consumer, 'subpaths.mts'),
      `import { CodeModeService, type SessionObserver } from 'codecell';
       import { createOpenTelemetryObserver } from 'codecell/opentelemetry';
       import { renderTraceView, type ReducedBundle } from 'codecell/trace';
       const observer: SessionObserver = createOpenTelemetryObserver({ recordContent: true });
       export const service = new CodeModeService({ observers: [observer] });
       export const page = (bundle: ReducedBundle): Promise<string> => renderTraceView(bundle, { title: 'a' });
       // @ts-expect-error: not an option
       createOpenTelemetryObserver({ recordContents: true });`,
    );
    compile({ module: 'nodenext', moduleResolution: 'nodenext' }, ['subpaths.mts']);
  });

  test('resolve for bundlers', () => {
    writeFileSync(join(consumer, 'bundled.ts'), source(`import * as codecell from 'codecell';`));
    compile({ module: 'esnext', moduleResolution: 'bundler' }, ['bundled.ts']);
  });

  function compile(options: Record<string, string>, files: string[]): void {
    const compilerOptions = {
      target: 'es2023',
      lib: ['es2023', 'esnext.disposable'],
      types: ['node'],
      strict: true,
      noEmit: true,
      skipLibCheck: false,
      ...options,
    };
    writeFileSync(join(consumer, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }));
    const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
    const result = run(process.execPath, [tsc, '-p', consumer], consumer);
    expect(result.stdout).toBe('');
    expect(result.status).toBe(0);
  }
});
