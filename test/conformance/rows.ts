/**
 * What the default profile does differently, one row per documented difference. A row derives the
 * expected result of a case from the recorded one; a case that no row touches must give exactly
 * what was recorded.
 */
import { expect } from 'vitest';
import type { ConformanceCase, RecordedCall, RecordedResult } from './cases.js';
import { compileInNode, isSyntaxErrorCase } from './engine-features.js';
import type { CaseRun } from './harness.js';

export interface Row {
  name: string;
  /** The case as the default profile should give it, or undefined when the row does not touch it. */
  derive?: (testCase: ConformanceCase) => ConformanceCase | undefined;
  /** Checks a run whose course the row changes altogether; returns undefined when it does not. */
  check?: (testCase: ConformanceCase) => ((run: CaseRun) => void) | undefined;
  /** The case changed so that the row no longer touches it. */
  avoid?: (testCase: ConformanceCase) => ConformanceCase | undefined;
}

/** A string, or a matcher of vitest's. */
type Text = unknown;

function withExpectation(testCase: ConformanceCase, change: Partial<RecordedResult>): ConformanceCase {
  return { ...testCase, expect: { ...testCase.expect, ...change } };
}

function textItem(text: Text): Record<string, unknown> {
  return { type: 'input_text', text };
}

/** Applies `change` to every text of a result; undefined when none changed. */
function mapTexts(result: RecordedResult, change: (text: string) => Text): RecordedResult | undefined {
  let changed = false;
  const visit = (from: RecordedResult): RecordedResult => ({
    ...from,
    ...(from.steps && { steps: from.steps.map(visit) }),
    ...(from.parallel && { parallel: from.parallel.map(visit) }),
    ...(from.content_items && {
      content_items: from.content_items.map((item) => {
        if (typeof item['text'] !== 'string') return item;
        const text = change(item['text']);
        changed ||= text !== item['text'];
        return { ...item, text };
      }),
    }),
  });
  const mapped = visit(result);
  return changed ? mapped : undefined;
}

function deriveTexts(testCase: ConformanceCase, change: (text: string) => Text): ConformanceCase | undefined {
  const mapped = mapTexts(testCase.expect, change);
  return mapped && { ...testCase, expect: mapped };
}

function escapePattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

const errorsAreErrors: Row = {
  name: 'errors thrown by helpers and rejected by tools are Error objects',
  derive: (testCase) => {
    const source = testCase.source ?? '';
    const sliced = /\b(e\.slice)\(/.exec(source);
    if (
      sliced &&
      testCase.expect.content_items?.some(({ text }) => String(text).startsWith('RangeError: '))
    ) {
      return withExpectation(testCase, {
        status: 'failed',
        content_items: [],
        error_text: `TypeError: e.slice is not a function\n    at exec_main.mjs:1:${sliced.index + 3}`,
      });
    }
    return deriveTexts(testCase, (text) => {
      if (source.includes('typeof e')) return text.replace(/^(C |L )?string\|/, '$1object|');
      // An Error has no members of its own to serialise.
      return text.replace('"reason":"boom"', '"reason":{}').replace('["boom","boom"]', '[{},{}]');
    });
  },
};

/** A function tool takes an object or nothing, a freeform tool a string. `source` tells null from nothing. */
function fitsKind({ kind, input }: RecordedCall, source: string | undefined): boolean {
  if (kind === 'freeform') return typeof input === 'string';
  if (input === null || input === undefined) return !/tools\.\w+\(null\)/.test(source ?? '');
  return typeof input === 'object' && !Array.isArray(input);
}

/** What the script reads when an input does not fit `kind`. */
export function kindRejection(tool: string, kind: string): string {
  return `tool "${tool}" input: must be ${kind === 'function' ? 'an object' : 'a string'}; got `;
}

const caughtCall = /^try \{ text\(await tools\.(\w+)\(.*\)\) \} catch\(e\) \{ text\('C '/;
const simpleInput = /\btools\.(\w+)\((\d|'w'|\[1\])\)/g;

/** A case of one freeform call, with a string as its input. */
function withStringInput(testCase: ConformanceCase): ConformanceCase {
  const calls = (testCase.expect.calls ?? []).map((call) => ({ ...call, input: 'n' }));
  const content_items = [textItem('{"v":"n"}')];
  const source = (testCase.source ?? '').replace(/(tools\.\w+)\(.*?\)/, '$1("n")');
  return { ...withExpectation(testCase, { calls, content_items }), source };
}

const inputFitsKind: Row = {
  name: 'input that does not fit the kind is rejected',
  derive: (testCase) => {
    const calls = testCase.expect.calls ?? [];
    const caught = caughtCall.exec(testCase.source ?? '');
    if (!caught || calls.every((call) => fitsKind(call, testCase.source))) return undefined;
    const text = `C object|${kindRejection(caught[1] ?? '', 'function')}`;
    const { calls: _, ...rest } = testCase.expect;
    const content_items = [textItem(expect.stringMatching(new RegExp(`^${escapePattern(text)}`)))];
    return { ...testCase, expect: { ...rest, content_items } };
  },
  check: (testCase) => {
    const misfits = (testCase.expect.calls ?? []).filter((call) => !fitsKind(call, testCase.source));
    if (misfits.length === 0 || caughtCall.test(testCase.source ?? '')) return undefined;
    return ({ result, outcomes }) => {
      expect((result.calls ?? []).filter((call) => !fitsKind(call, undefined))).toEqual([]);
      const final = outcomes.at(-1);
      const rejected = final?.toolCalls.filter(({ status }) => status === 'failed') ?? [];
      const ends = misfits.map(({ call }) => final?.toolCalls.find(({ id }) => id === call));
      for (const [index, end] of ends.entries()) {
        // A call can be overtaken by the end of its cell, or never be made once an earlier one was rejected.
        if (end === undefined || end.status === 'cancelled') continue;
        const { tool, kind } = misfits[index]!;
        expect(end).toMatchObject({
          status: 'failed',
          error: expect.stringContaining(kindRejection(tool, kind)),
        });
      }
      if (final?.status === 'failed' && !testCase.expect.error_text) {
        expect(rejected.map(({ error }) => error)).toContain(final.error.text);
      }
    };
  },
  avoid: (testCase) => {
    if ((testCase.expect.calls ?? []).every((call) => fitsKind(call, testCase.source))) return undefined;
    if (testCase.tools.some(({ kind }) => kind === 'freeform')) return withStringInput(testCase);
    const text = JSON.stringify({ source: testCase.source, session: testCase.session });
    const fitting = text.replace(simpleInput, 'tools.$1({n:$2})');
    if (fitting === text) return undefined;
    const wrap = (value: unknown) => ({ n: value });
    const inputs = (testCase.expect.calls ?? [])
      .filter((call) => !fitsKind(call, testCase.source))
      .map(({ input }) => input);
    const answered = (item: string) =>
      inputs.reduce<string>((done, input) => {
        const value = JSON.stringify(input);
        return done.replace(`{"v":${value}}`, `{"v":{"n":${value}}}`);
      }, item);
    const errorText = testCase.expect.error_text;
    // Each rewritten input makes the line four characters longer.
    const grown = 4 * [...(testCase.source ?? '').matchAll(simpleInput)].length;
    return {
      ...testCase,
      ...(JSON.parse(fitting) as Pick<ConformanceCase, 'source' | 'session'>),
      expect: {
        ...(mapTexts(testCase.expect, answered) ?? testCase.expect),
        ...(typeof errorText === 'string' &&
          (testCase.source ?? '').indexOf('throw') > (testCase.source ?? '').search(simpleInput) && {
            error_text: errorText.replace(/:(\d+)$/, (_, column: string) => `:${Number(column) + grown}`),
          }),
        calls: (testCase.expect.calls ?? []).map((call) =>
          fitsKind(call, testCase.source) ? call : { ...call, input: wrap(call.input) },
        ),
      },
    };
  },
};

const noInput: Row = {
  name: 'tools.x() gives no input, tools.x(null) gives null',
  derive: (testCase) => {
    const calls = testCase.expect.calls;
    const withoutInput = /tools\.\w+\((undefined)?\)/.test(testCase.source ?? '');
    if (!withoutInput || !calls?.some(({ input }) => input === null)) return undefined;
    const texts = mapTexts(testCase.expect, (text) => text.replace('{"v":null}', '{}'));
    const inputless = calls.map((call) => (call.input === null ? { ...call, input: undefined } : call));
    return { ...testCase, expect: { ...(texts ?? testCase.expect), calls: inputless } };
  },
};

const readableTexts: Row = {
  name: 'text() of an Error, a Map and a Set shows the stack and the entries',
  derive: (testCase) => {
    const source = testCase.source ?? '';
    if (/^text\(new Error\("e"\)\)$/.test(source)) {
      return deriveTexts(testCase, () => 'Error: e\n    at exec_main.mjs:1:6');
    }
    if (/^text\(new Set\(\[1\]\)\)$/.test(source)) return deriveTexts(testCase, () => '[1]');
    return undefined;
  },
};

const pendingForEver = 'new Promise(()=>{})';

const stalled: Row = {
  name: 'a script that can never go on fails at once',
  derive: (testCase) => {
    const { session } = testCase;
    const steps = testCase.expect.steps;
    if (!session || !steps || !JSON.stringify(session).includes(pendingForEver)) return undefined;
    const failure = { status: 'failed', error_text: expect.stringMatching(/\S/) };
    const first = session[0]?.parallel;
    if (first) {
      // The exec ends by itself, so that the terminate finds no cell any more.
      const [exec, terminate] = steps[0]?.parallel ?? [];
      const missing = {
        ...terminate,
        status: 'missing',
        content_items: [],
        error_text: 'exec cell 1 not found',
      };
      return {
        ...testCase,
        expect: { ...testCase.expect, steps: [{ parallel: [{ ...exec, ...failure }, missing] }] },
      };
    }
    // The stalled cell is waited for as soon as it yielded, instead of being terminated later; its writes stand.
    const index = session.findIndex((step) => step.exec?.source.includes(pendingForEver));
    const terminateIndex = session.findIndex((step) => step.terminate);
    const withoutSleeps = session.filter((step) => step.sleep === undefined);
    const terminated = steps[withoutSleeps.findIndex((step) => step.terminate)];
    const cellId = session[terminateIndex]?.terminate?.cell_id ?? '';
    const stored = /store\('k',(?:'(\w+)'|(\w+))\)/.exec(session[index]?.exec?.source ?? '');
    const wait = { wait: { cell_id: cellId, yield_time_ms: 30_000 } };
    const newSession = session.flatMap((step, at) =>
      at === index ? [step, wait] : step.terminate ? [] : [step],
    );
    const stepsLeft = steps.filter((step) => step !== terminated);
    const after = (result: RecordedResult) =>
      mapTexts(result, (text) =>
        text === 'old' || text === 'undefined' ? (stored?.[1] ?? stored?.[2] ?? text) : text,
      ) ?? result;
    const at = withoutSleeps.findIndex((step) => step.exec?.source.includes(pendingForEver));
    return {
      ...testCase,
      session: newSession,
      expect: {
        ...testCase.expect,
        steps: [
          ...stepsLeft.slice(0, at + 1),
          { ...terminated, ...failure },
          ...stepsLeft.slice(at + 1).map(after),
        ],
      },
    };
  },
  avoid: (testCase) => {
    const text = JSON.stringify(testCase.session ?? null);
    if (!text.includes(pendingForEver)) return undefined;
    const alive = text.replaceAll(pendingForEver, 'new Promise(r=>setTimeout(r,1e9))');
    return { ...testCase, session: JSON.parse(alive) as NonNullable<ConformanceCase['session']> };
  },
};

const syntaxErrors: Row = {
  name: 'syntax errors carry their position and the source line',
  derive: (testCase) => {
    if (!isSyntaxErrorCase(testCase)) return undefined;
    const [site] = compileInNode([testCase.source ?? '']);
    if (!site) return undefined;
    const start = escapePattern(`${site.message}\n    at exec_main.mjs:${site.line}:${site.column}\n`);
    return withExpectation(testCase, {
      error_text: expect.stringMatching(new RegExp(`^${start}.*${escapePattern(site.sourceLine)}`)),
    });
  },
};

const remoteImages: Row = {
  name: 'remote image URLs are allowed',
  derive: (testCase) => {
    const url = /^image\((?:\{image_url:)?"(https?:[^"]*)"\}?\)$/.exec(testCase.source ?? '')?.[1];
    if (url === undefined) return undefined;
    const content_items = [{ type: 'input_image', image_url: url, detail: 'high' }];
    return withExpectation(testCase, { status: 'completed', content_items, error_text: null });
  },
};

const frozenTools: Row = {
  name: 'tools and ALL_TOOLS are frozen',
  derive: (testCase) => {
    const source = testCase.source ?? '';
    const fails = (error_text: Text) =>
      withExpectation(testCase, { status: 'failed', content_items: [], error_text });
    if (source.startsWith('tools.echo=')) {
      return fails(expect.stringMatching(/^TypeError: .*'echo'.*\n {4}at exec_main\.mjs:1:11$/));
    }
    if (source.startsWith('tools.mine=')) {
      return fails(expect.stringMatching(/^TypeError: .*\bmine\b.*\n {4}at exec_main\.mjs:1:11$/));
    }
    if (!/isFrozen\((tools|ALL_TOOLS)\)/.test(source)) return undefined;
    return deriveTexts(testCase, (text) =>
      text
        .replace('[true,false,true,', '[true,true,false,')
        .replace('[false,true]', '[true,true]')
        .replace(
          '{"writable":true,"enumerable":true,"configurable":true}',
          '{"writable":false,"enumerable":true,"configurable":false}',
        ),
    );
  },
};

const imports: Row = {
  name: 'an unsupported import names its specifier',
  derive: (testCase) =>
    deriveTexts(testCase, (text) => {
      const specifier = /import\("(\w+)"\)/.exec(testCase.source ?? '')?.[1];
      return text === 'unsupported import in exec' ? `Unsupported import in exec: ${specifier}` : text;
    }),
};

/** Rows that no recorded core case touches (pragma lines, colliding names, long yields, diagnostics) have direct tests only. */
export const rows: Row[] = [
  syntaxErrors,
  remoteImages,
  frozenTools,
  imports,
  readableTexts,
  stalled,
  inputFitsKind,
  noInput,
  errorsAreErrors,
];

export interface DerivedCase {
  testCase: ConformanceCase;
  /** Names of the rows that touched it. */
  rows: string[];
  check: ((run: CaseRun) => void) | undefined;
}

/** The case as the default profile should give it. */
export function deriveCase(testCase: ConformanceCase): DerivedCase {
  const touched: string[] = [];
  let check: DerivedCase['check'];
  let derived = testCase;
  for (const row of rows) {
    const next = row.derive?.(derived);
    const nextCheck = row.check?.(derived);
    if (next || nextCheck) touched.push(row.name);
    derived = next ?? derived;
    check ??= nextCheck;
  }
  return { testCase: derived, rows: touched, check };
}

/** The case changed so that no row changes its course; undefined when nothing had to be changed. */
export function avoidRows(testCase: ConformanceCase): ConformanceCase | undefined {
  let avoided: ConformanceCase | undefined;
  for (const row of rows) avoided = row.avoid?.(avoided ?? testCase) ?? avoided;
  return avoided;
}
