// Brings the addon and dist/ up to date; does nothing when they are. Runs before `npm start` and `npm test`, and as
// `prepare`. `--addon` and `--lib` name one part only, `--force` rebuilds.
import { existsSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { buildAddonHere, newest, root, run } from './addon.mjs';

/**
 * dist/: few files, because Node takes a quarter of a millisecond for each. What several entry points use is in files of
 * its own, so that a process has it once; a host process is one that loads a single file.
 */
async function buildLibrary() {
  await bundleLibrary('index', 'trace/index', 'adapters/opentelemetry', 'cli/main');
  await bundleLibrary('host/main');
}

async function bundleLibrary(...entries) {
  const { build } = await import('esbuild');
  await build({
    entryPoints: entries.map((entry) => ({ in: join(root, 'lib', `${entry}.ts`), out: entry })),
    outdir: join(root, 'dist'),
    chunkNames: 'shared/[name]-[hash]',
    bundle: true,
    splitting: true,
    packages: 'external',
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    sourcemap: true,
    logLevel: 'warning',
  });
}

/** The browser part of the trace page: one script and one style sheet, which `renderTraceView` puts into the page. */
async function buildViewer() {
  const { build } = await import('esbuild');
  const source = join(root, 'lib', 'trace', 'view', 'browser');
  await build({
    entryPoints: { viewer: join(source, 'main.ts'), 'viewer-style': join(source, 'style.css') },
    outdir: join(root, 'dist', 'trace', 'view', 'assets'),
    bundle: true,
    minify: true,
    format: 'iife',
    target: ['chrome111', 'firefox113', 'safari16.4'],
    legalComments: 'none',
    logLevel: 'warning',
  });
}

const flags = new Set(process.argv.slice(2));
const everything = !flags.has('--addon') && !flags.has('--lib');

if (everything || flags.has('--addon')) {
  if (flags.has('--force')) rmSync(join(root, 'build'), { recursive: true, force: true });
  buildAddonHere();
}

if (everything || flags.has('--lib')) {
  const entry = join(root, 'dist', 'index.js');
  const sources = ['lib', 'tsconfig.json', 'tsconfig.build.json'].map((name) => join(root, name));
  const current = existsSync(entry) && statSync(entry).mtimeMs >= newest(...sources);
  if (!current || flags.has('--force')) {
    // Files of removed sources must not stay in the package.
    rmSync(join(root, 'dist'), { recursive: true, force: true });
    const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
    run(process.execPath, [tsc, '-p', 'tsconfig.build.json']);
    await Promise.all([buildLibrary(), buildViewer()]);
  }
}
