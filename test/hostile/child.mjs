// Runs one hostile script on the built package. Reads a specification as JSON from stdin, and prints a report as JSON.
import { readFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';

const { program, secret } = JSON.parse(readFileSync(0, 'utf8'));
process.env.HOSTILE_SECRET = secret;
globalThis.hostileSecret = secret;
if (program.before) (0, eval)(program.before);
const { CodeModeService } = await import(new URL('../../dist/index.js', import.meta.url).href);

const never = new Promise(() => {});
const hostileObject = {
  toString() {
    throw new Error('toString');
  },
  get message() {
    throw new Error('message');
  },
};
const deep = () => {
  let value = [];
  for (let i = 0; i < 200_000; i++) value = [value];
  return value;
};
const raise = (value) => () => {
  throw value;
};
const results = {
  echo: async (input) => input ?? null,
  never: () => never,
  settlesTwice: () => ({
    then(resolve, reject) {
      resolve(1);
      reject(new Error('second'));
      resolve(3);
    },
  }),
  throwsString: raise('text'),
  throwsNull: raise(null),
  throwsUndefined: raise(undefined),
  throwsSymbol: raise(Symbol('symbol')),
  throwsBigInt: raise(10n),
  throwsHostile: raise(hostileObject),
  throwsProxy: raise(new Proxy({}, { get: raise(1), getPrototypeOf: raise(2), has: raise(3) })),
  throwsRevoked: () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    throw proxy;
  },
  largeResult: () => 'x'.repeat(70e6),
  hugeResult: () => 'x'.repeat(500e6),
  hugeError: () => {
    throw new Error('x'.repeat(200e6));
  },
  deepResult: deep,
  circular: () => {
    const value = {};
    value.self = value;
    return value;
  },
  bigIntResult: () => 1n,
  functionResult: () => () => {},
  getterResult: () => ({
    get value() {
      throw hostileObject;
    },
  }),
  late: (_input, { signal }) =>
    new Promise((resolve) => signal.addEventListener('abort', () => setTimeout(resolve, 20, 'late'))),
  prototypeKeys: () =>
    JSON.parse('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"then":1}'),
  hostError: () => null.property,
};
const tools = Object.entries(results).map(([name, execute]) => ({ name, execute }));
for (const name of program.toolNames ?? []) tools.push({ name, execute: () => null });

let notifications = 0;
const delay = monitorEventLoopDelay({ resolution: 10 });
const isolation = process.env.CODECELL_TEST_ISOLATION ?? 'thread';
const service = new CodeModeService({ isolation, maxCells: 8, quarantineMs: 300 });
const session = service.createSession({
  profile: program.profile ?? 'default',
  tools,
  onNotify: () => void notifications++,
  limits: { heapMb: 64, wallMs: 1000, ...program.limits },
});

const residentMb = () => Math.round(process.memoryUsage.rss() / 2 ** 20);
const rssBeforeMb = residentMb();
delay.enable();
const startedAt = performance.now();
let outcome = await session.exec(program.source, { yieldTimeMs: Infinity });
const contentItems = [...outcome.contentItems];
while (outcome.status === 'yielded') {
  outcome = await session.wait(outcome.cellId, { yieldTimeMs: Infinity });
  contentItems.push(...outcome.contentItems);
}
const ms = Math.round(performance.now() - startedAt);
delay.disable();

const { quarantinedThreads } = service.stats();
const next = [];
for (let i = 0; i < 10; i++) {
  const source = `text(JSON.stringify((await tools.echo({ i: ${i} }))))`;
  const { status, contentItems } = await session.exec(source, {
    limits: { wallMs: 10_000 },
    yieldTimeMs: Infinity,
  });
  next.push(`${status} ${contentItems[0]?.text}`);
}
// Memory is given back to the system a moment later.
let rssLeftMb = residentMb() - rssBeforeMb;
for (let i = 0; i < 8 && rssLeftMb > 64; i++) {
  await sleep(250);
  rssLeftMb = residentMb() - rssBeforeMb;
}
const texts = contentItems.map((item) => item.text ?? '');
// Everything a model or a user could be shown must be free of the host's own facts.
const shown = [...texts, outcome.error?.text.slice(0, 1e6) ?? '', JSON.stringify(outcome.diagnostics)];
const facts = [secret, process.cwd(), process.execPath, import.meta.url];
const leaks = facts.filter((fact) => shown.some((text) => text.includes(fact)));
for (const key of ['polluted', 'pwned']) if (key in globalThis || key in Object.prototype) leaks.push(key);

await service.close();
const report = {
  status: outcome.status,
  code: outcome.error?.code ?? '',
  message: outcome.error?.message.slice(0, 200) ?? '',
  output: texts.join('\n').slice(0, 500),
  diagnostics: [...new Set(outcome.diagnostics.map(({ code }) => code))],
  ms,
  lagMs: Math.round(delay.max / 1e6),
  notifications,
  quarantined: quarantinedThreads,
  next,
  leaks,
  rssLeftMb,
  peakRssMb: Math.round(process.resourceUsage().maxRSS / 1024),
};
process.stdout.write(JSON.stringify(report));
