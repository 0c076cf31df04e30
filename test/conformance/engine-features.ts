/**
 * What a recorded case needs of V8 and the Node at hand may lack. Each feature is tried in Node
 * itself; nothing is decided by a case's id.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Script } from 'node:vm';
import { sourcesOf, type ConformanceCase } from './cases.js';

/** Where V8 itself sees a syntax error: its message, 1-based position and the source line. */
export interface SyntaxErrorSite {
  message: string;
  line: number;
  column: number;
  sourceLine: string;
}

interface EngineFeature {
  /** Says what is missing, in the words that the summary prints. */
  reason: string;
  needs: (testCase: ConformanceCase) => boolean;
  present: () => boolean;
}

const compiles = (source: string) => () => {
  try {
    new Script(source);
    return true;
  } catch {
    return false;
  }
};

/** Does evaluating `source` in Node throw an error that reads `text`? */
const throws = (source: string, text: string) => () => {
  try {
    new Script(source).runInThisContext();
    return false;
  } catch (error) {
    return String(error) === text;
  }
};

/** The stack of what evaluating `source` in Node throws. */
function stackOf(source: string): string {
  try {
    new Script(source).runInThisContext();
    return '';
  } catch (error) {
    return (error as Error).stack ?? '';
  }
}

const mentions = (pattern: RegExp) => (testCase: ConformanceCase) =>
  sourcesOf(testCase).some((source) => pattern.test(source));

const expects = (fragment: string) => (testCase: ConformanceCase) =>
  JSON.stringify(testCase.expect).includes(JSON.stringify(fragment).slice(1, -1));

const newGlobals = ['Float16Array', 'Iterator', 'SuppressedError', 'DisposableStack', 'AsyncDisposableStack'];
const newMethods: [RegExp, string, () => boolean][] = [
  [/JSON\.rawJSON/, 'JSON.rawJSON', () => 'rawJSON' in JSON],
  [/\.getOrInsert/, 'Map.prototype.getOrInsert', () => 'getOrInsert' in Map.prototype],
  [/\.fromBase64/, 'Uint8Array.fromBase64', () => 'fromBase64' in Uint8Array],
  [/RegExp\.escape/, 'RegExp.escape', () => 'escape' in RegExp],
  [
    /Iterator\.concat/,
    'Iterator.concat',
    () => 'concat' in ((globalThis as { Iterator?: object }).Iterator ?? {}),
  ],
];

const features: EngineFeature[] = [
  ...newGlobals.map((name) => ({
    reason: `V8 has no ${name}`,
    needs: mentions(new RegExp(`\\b${name}\\b`)),
    present: () => name in globalThis,
  })),
  ...newMethods.map(([pattern, name, present]) => ({
    reason: `V8 has no ${name}`,
    needs: mentions(pattern),
    present,
  })),
  {
    reason: 'V8 has no `using`',
    needs: mentions(/\busing \w+\s*=/),
    present: compiles('{ using resource = null }'),
  },
  {
    reason: 'V8 words the error of calling a class constructor otherwise',
    needs: expects("TypeError: Class constructors cannot be invoked without 'new'"),
    present: throws(
      'const { f } = { f: [class {}] }; f[0]()',
      "TypeError: Class constructors cannot be invoked without 'new'",
    ),
  },
  {
    reason: 'V8 words the error of an oversized array buffer otherwise',
    needs: expects('RangeError: Invalid array buffer length'),
    present: throws('new ArrayBuffer(2 ** 53)', 'RangeError: Invalid array buffer length'),
  },
  {
    reason: 'V8 repeats the name of a getter in its stack frame',
    needs: (testCase) => /at get \w+ \(/.test(String(testCase.expect.error_text)),
    present: () => !/ \[as \w+\]/.test(stackOf('({ get a() { throw new Error() } }).a')),
  },
  {
    reason: 'V8 makes the head of a stack when it is first read, with the message of that moment',
    needs: mentions(/new Error\([^)]*\);\s*e\.message\s*=/),
    // Node formats the stacks of its own isolates itself: only the version tells.
    present: () => Number(process.versions.v8.split('.')[0]) >= 13,
  },
];

/** What Node says about sources that do not compile as a module; null for those that do. */
export function compileInNode(sources: string[]): (SyntaxErrorSite | null)[] {
  const folder = mkdtempSync(join(tmpdir(), 'codecell-compile-'));
  const file = join(folder, 'probe.mjs');
  try {
    return sources.map((source) => {
      writeFileSync(file, source);
      const { status, stderr } = spawnSync(process.execPath, ['--check', file], { encoding: 'utf8' });
      if (status === 0) return null;
      // path:line, the source line, carets below the place, an empty line, the error.
      const [site = '', sourceLine = '', carets = '', , message = ''] = stderr.split('\n');
      // At the end of the input there is nothing to put a caret below.
      const column = (carets.includes('^') ? carets.indexOf('^') : sourceLine.length) + 1;
      return { message, line: Number(site.split(':').at(-1)), column, sourceLine };
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const frame = /\n {4}at /;

/** True when a case records that its source does not compile. */
export function isSyntaxErrorCase({ source, expect }: ConformanceCase): boolean {
  const text = expect.error_text;
  return (
    source !== undefined && typeof text === 'string' && text.startsWith('SyntaxError: ') && !frame.test(text)
  );
}

/** Why each case that cannot run as recorded on this Node's V8 is set aside, by case id. */
export function findMissingFeatures(cases: ConformanceCase[]): Map<string, string> {
  const missing = new Map<string, string>();
  for (const feature of features.filter(({ present }) => !present())) {
    for (const testCase of cases.filter(feature.needs)) missing.set(testCase.id, feature.reason);
  }
  const syntaxCases = cases.filter(isSyntaxErrorCase);
  const sites = compileInNode(syntaxCases.map(({ source }) => source ?? ''));
  for (const [index, testCase] of syntaxCases.entries()) {
    const said = sites[index]?.message;
    if (said === testCase.expect.error_text) continue;
    missing.set(testCase.id, said ? `V8 says "${said}"` : 'V8 compiles what the recorded one did not');
  }
  return missing;
}
