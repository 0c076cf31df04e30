// Reads a copy of test262: its tests, their metadata, and the source text of each way to run them.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';

/** The host object that test262 asks for, as far as plain JavaScript can make one: the same for cells and for node. */
const HOST_OBJECT = `
globalThis.$262 = {
  global: globalThis,
  detachArrayBuffer(buffer) {
    if (typeof buffer.transfer !== 'function') throw new Error('unsupported: detachArrayBuffer');
    buffer.transfer();
  },
  createRealm() { throw new Error('unsupported: createRealm') },
  evalScript() { throw new Error('unsupported: evalScript') },
  gc() { throw new Error('unsupported: gc') },
  get agent() { throw new Error('unsupported: agent') },
};`;

/** Every test below `folder`/test whose path begins with one of `filters` (all without any). */
export function listTests(folder, filters = []) {
  const tests = join(folder, 'test');
  if (!existsSync(tests)) throw new Error(`${folder} is no copy of test262: it has no folder test`);
  return readdirSync(tests, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.js') && !entry.name.includes('_FIXTURE'))
    .map((entry) => relative(tests, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .filter((path) => filters.length === 0 || filters.some((filter) => path.startsWith(filter)))
    .sort();
}

/** The metadata of a test: the block between the comment marks, of which only simple YAML is used. */
export function readMetadata(source) {
  const block = /\/\*---\r?\n?([\s\S]*?)---\*\//.exec(source)?.[1] ?? '';
  const list = (name) => {
    const inline = new RegExp(`^${name}:\\s*\\[([^\\]]*)\\]`, 'm').exec(block);
    if (inline !== null)
      return inline[1]
        .split(',')
        .map((one) => one.trim())
        .filter(Boolean);
    const lines = new RegExp(`^${name}:\\s*\\r?\\n((?:\\s+-\\s.*\\r?\\n?)+)`, 'm').exec(block);
    return (lines?.[1] ?? '')
      .split('\n')
      .map((line) => line.replace(/^\s*-\s*/, '').trim())
      .filter(Boolean);
  };
  const negative = /^negative:\s*\r?\n((?:[ \t]+.*\r?\n?)+)/m.exec(block)?.[1];
  const field = (name) => new RegExp(`^\\s+${name}:\\s*(\\S+)`, 'm').exec(negative ?? '')?.[1];
  return {
    flags: list('flags'),
    includes: list('includes'),
    features: list('features'),
    negative: negative === undefined ? null : { phase: field('phase'), type: field('type') },
  };
}

/** The ways in which a test has to be run: `sloppy` and `strict` are scripts, `module` is a module. */
export function modesOf({ flags }) {
  if (flags.includes('module')) return ['module'];
  if (flags.includes('raw') || flags.includes('noStrict')) return ['sloppy'];
  if (flags.includes('onlyStrict')) return ['strict'];
  return ['sloppy', 'strict'];
}

const harnessFiles = new Map();
// What a script declares with these would not be seen by the next eval.
const asGlobals = (source) =>
  source.replace(/^(?:const|let)(?=\s)/gm, 'var').replace(/^class\s+(\w+)/gm, 'var $1 = class $1');

function harness(folder, name) {
  const path = join(folder, 'harness', name);
  if (!harnessFiles.has(path)) harnessFiles.set(path, asGlobals(readFileSync(path, 'utf8')));
  return harnessFiles.get(path);
}

/**
 * One test in one mode: `setup`, script text that defines the harness, and `test`, the text to run after it.
 * `asynchronous` tests end with a call of `print`.
 */
export function loadTest(folder, path, mode) {
  const file = join(folder, 'test', path);
  const source = readFileSync(file, 'utf8');
  const metadata = readMetadata(source);
  const asynchronous = metadata.flags.includes('async');
  const raw = metadata.flags.includes('raw');
  const includes = raw ? [] : ['assert.js', 'sta.js', ...metadata.includes];
  if (asynchronous) includes.push('doneprintHandle.js');
  const setup = [HOST_OBJECT, ...includes.map((name) => harness(folder, name))].join('\n');
  const test = mode === 'strict' ? `"use strict";\n${source}` : source;
  return { path, mode, file, folder: dirname(file), metadata, asynchronous, setup, test };
}
