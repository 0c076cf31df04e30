import { caught, echo, fail, type ExtraCase } from './extra-case.js';

export const runtimeCases: Record<string, ExtraCase[]> = {
  settled: [
    {
      title: 'the key of a map is the index, identity kept',
      source: `const k = {}; for await (const r of as_settled(new Map([[k, Promise.resolve(1)], ['b', Promise.reject('x')]]))) text([r.index === k, r.index, r.status])`,
      items: ['[true,{},"fulfilled"]', '[false,"b","rejected"]'],
    },
    {
      title: 'records have their members in order',
      source: `for await (const r of as_settled([1, Promise.reject(2)])) text(Object.keys(r))`,
      items: ['["index","status","value"]', '["index","status","reason"]'],
    },
    {
      title: 'the same promise twice comes twice',
      source: `const p = Promise.resolve('p'); for await (const r of as_settled([p, p])) text([r.index, r.value])`,
      items: ['[0,"p"]', '[1,"p"]'],
    },
    {
      title: 'inputs that are settled come in input order',
      source: `for await (const r of as_settled([3, Promise.resolve(2), 1])) text(r.value)`,
      items: ['3', '2', '1'],
    },
    {
      title: 'emit that throws rejects the whole',
      source: `try { await stream_settled([1, 2], (r) => { text(r.index); throw new Error('stop') }) } catch (e) { text(e.message) }`,
      items: ['0', 'stop'],
    },
    {
      title: 'emit is awaited before the next record',
      source: `await stream_settled([1, 2], async (r) => { text('in' + r.value); await null; await null; text('out' + r.value) })`,
      items: ['in1', 'out1', 'in2', 'out2'],
    },
    {
      title: 'stream_settled does not use the global as_settled',
      source: `globalThis.as_settled = null; await stream_settled([1], (r) => text(r.value))`,
      items: ['1'],
    },
    {
      title: 'stream_settled resolves to undefined',
      source: `text(await stream_settled([], () => {}))`,
      items: ['undefined'],
    },
    {
      title: 'rejections count as handled without a consumer',
      source: `as_settled([Promise.reject(1)]); await null; text('on')`,
      items: ['on'],
    },
  ],

  store: [
    {
      title: 'keys are converted to strings',
      source: `store(1, 'n'); text(load('1')); store(null, 'u'); text(load('null'))`,
      items: ['n', 'u'],
    },
    {
      title: 'a symbol is no key',
      source: `${caught('store(Symbol(), 1)')} ${caught('load(Symbol())')}`,
      items: ['store key must be a string', 'load key must be a string'],
    },
    {
      title: 'undefined cannot be stored',
      source: caught(`store('k', undefined)`),
      items: ['Unable to store "k". Only plain serializable objects can be stored.'],
    },
    {
      title: 'keys that objects have by nature are ordinary keys',
      source: `text([load('__proto__'), load('constructor'), load('')].map((v) => v === undefined)); for (const k of ['__proto__', 'constructor', '']) store(k, k + '!'); text(['__proto__', 'constructor', ''].map(load))`,
      items: ['[true,true,true]', '["__proto__!","constructor!","!"]'],
    },
    {
      title: 'a failed store leaves the old value',
      source: `store('k', 1); try { store('k', 2n) } catch {} text(load('k'))`,
      items: ['1'],
    },
    {
      title: 'negative zero and NaN lose what JSON lacks',
      source: `store('z', -0); text(Object.is(load('z'), 0)); store('n', [NaN]); text(load('n'))`,
      items: ['true', '[null]'],
    },
  ],

  tools: [
    {
      title: '300 calls in one turn all arrive and answer in order',
      source: `const r = await Promise.all(Array.from({ length: 300 }, (_, i) => tools.echo({ i }))); text(r.every(({ v }, i) => v.i === i)); text(r.length)`,
      items: ['true', '300'],
      tools: [echo],
    },
    {
      title: 'a rejection can be caught by .catch',
      source: `text(await tools.fail({}).catch((e) => 'caught ' + e))`,
      items: ['caught boom'],
      tools: [fail],
    },
    {
      title: 'Promise.allSettled sees every failure',
      source: `text((await Promise.allSettled([tools.fail({}), tools.echo({})])).map(({ status }) => status))`,
      items: ['["rejected","fulfilled"]'],
      tools: [echo, fail],
    },
    {
      title: 'results with a __proto__ member keep it as their own',
      source: `const r = await tools.echo(JSON.parse('{"__proto__":{"x":1}}')); text(Object.keys(r.v)); text(r.v.x)`,
      items: ['["__proto__"]', 'undefined'],
      tools: [echo],
    },
    {
      title: 'a function and a symbol are no input',
      source: `for (const input of [() => 1, Symbol()]) { try { await tools.echo(input); text('accepted') } catch { text('refused') } }`,
      items: ['refused', 'refused'],
      tools: [echo],
    },
    {
      title: 'a tool call returns a promise',
      source: `text(tools.echo({}) instanceof Promise)`,
      items: ['true'],
      tools: [echo],
    },
    {
      title: 'names with reserved words and inherited members are callable',
      source: `text(await tools.class({})); text(await tools.constructor({})); text(await tools.hasOwnProperty({}))`,
      items: ['{"v":{}}', '{"v":{}}', '{"v":{}}'],
      tools: ['class', 'constructor', 'hasOwnProperty'].map((name) => ({ ...echo, name })),
    },
  ],

  modules: [
    {
      title: 'hashbang, byte order mark and CRLF are accepted',
      source: '#!/usr/bin/env node\r\ntext(1);\r\ntext(2)\r\n',
      items: ['1', '2'],
    },
    { title: 'a byte order mark is accepted', source: '\ufefftext(1)', items: ['1'] },
    {
      title: 'import.meta is writable like any object',
      source: 'import.meta.a = 1; text(import.meta.a)',
      items: ['1'],
    },
    {
      title: 'nothing runs before an unsupported import',
      source: `text('no'); import "left-pad"`,
      error: 'Unsupported import in exec: left-pad',
    },
    {
      title: 'positions count from the first line of the source',
      source: '\n\n  null.x',
      error: "TypeError: Cannot read properties of null (reading 'x')\n    at exec_main.mjs:3:8",
    },
  ],

  errors: [
    {
      title: 'a subclass shows the name it inherits',
      source: `class Mine extends Error {} throw new Mine('mine')`,
      error: 'Error: mine\n    at exec_main.mjs:1:35',
    },
    {
      title: 'an async frame names its function',
      source: `async function a() { await null; throw new Error('deep') }\nasync function b() { await a() }\nawait b()`,
      error:
        'Error: deep\n    at a (exec_main.mjs:1:40)\n    at async b (exec_main.mjs:2:22)\n    at async exec_main.mjs:3:1',
    },
    {
      title: 'stackTraceLimit is honoured',
      source: `Error.stackTraceLimit = 1; (function f() { throw new Error('x') })()`,
      error: 'Error: x\n    at f (exec_main.mjs:1:50)',
    },
    {
      title: 'prepareStackTrace is honoured',
      source: `Error.prepareStackTrace = (e) => 'prepared ' + e.message; throw new Error('x')`,
      error: 'prepared x',
    },
    {
      title: 'a stack overflow is catchable',
      source: `const f = () => f() + 1; try { f() } catch (e) { text(e instanceof RangeError) }`,
      items: ['true'],
    },
    { title: 'an object with a stack string shows it', source: `throw { stack: 'mine' }`, error: 'mine' },
    {
      title: 'a value without a text fails with an empty one',
      source: `throw Object.create(null)`,
      error: '',
    },
    { title: 'a symbol fails with an empty text', source: `throw Symbol('s')`, error: '' },
  ],

  exit: [
    { title: 'in a comparator', source: `[2, 1].sort(() => exit()); text('no')` },
    { title: 'in a getter', source: `({ get a() { exit() } }).a; text('no')` },
    {
      title: 'in a proxy trap',
      source: `new Proxy({}, { has() { exit() } }); 'a' in new Proxy({}, { has() { exit() } }); text('no')`,
    },
    {
      title: 'in an awaited async function, past finally',
      source: `text('a'); try { await (async () => { await null; exit() })() } finally { text('no') }`,
      items: ['a'],
    },
    {
      title: 'inside a replaced stack trace formatter',
      source: `Error.prepareStackTrace = () => exit(); text('a'); new Error('x').stack; text('no')`,
      items: ['a'],
    },
    { title: 'drops microtasks that are queued', source: `Promise.resolve().then(() => text('no')); exit()` },
    { title: 'with a value that is ignored', source: `text(1); exit({ code: 5 })`, items: ['1'] },
  ],

  timers: [
    {
      title: 'ids count from 1',
      source: 'text([setTimeout(() => {}), setTimeout(() => {})])',
      items: ['[1,2]'],
    },
    {
      title: 'equal delays fire in order, others by delay',
      source: `const o = []; setTimeout(() => o.push('c'), 20); setTimeout(() => o.push('a'), 1); setTimeout(() => o.push('b'), 1); await new Promise((r) => setTimeout(r, 40)); text(o)`,
      items: ['["a","b","c"]'],
    },
    {
      title: 'microtasks run between callbacks',
      source: `const o = []; setTimeout(() => { o.push('t1'); Promise.resolve().then(() => o.push('m1')) }, 1); setTimeout(() => o.push('t2'), 1); await new Promise((r) => setTimeout(r, 20)); text(o)`,
      items: ['["t1","m1","t2"]'],
    },
    {
      title: 'clearTimeout refuses what has no number',
      source: caught('clearTimeout({ valueOf() { throw 1 } })'),
      items: ['clearTimeout expects a numeric timeout id'],
    },
    {
      title: 'setTimeout refuses what is no function',
      source: caught('setTimeout({})'),
      items: ['setTimeout expects a function callback'],
    },
    {
      title: '20,000 timers all fire',
      source: `let n = 0; for (let i = 0; i < 20000; i++) setTimeout(() => n++, i % 7); await new Promise((r) => setTimeout(r, 30)); text(n)`,
      items: ['20000'],
    },
    {
      title: 'timers do not keep a finished script alive',
      source: `setTimeout(() => text('no'), 0); text('end')`,
      items: ['end'],
    },
  ],

  harden: [
    {
      title: 'a polluted prototype does not reach tool answers',
      source: `Object.defineProperty(Object.prototype, 'v', { set() { throw new Error('set') }, configurable: true }); text(Object.keys(await tools.echo({})))`,
      items: ['["v"]'],
      tools: [echo],
    },
    {
      title: 'replacing Symbol.iterator of arrays does not break text',
      source: `Array.prototype[Symbol.iterator] = null; text([1])`,
      items: ['[1]'],
    },
    {
      title: 'deleting every helper leaves a working script',
      source: `const t = text; for (const k of Object.keys(globalThis)) delete globalThis[k]; t(Object.keys(globalThis).length)`,
      items: ['0'],
    },
  ],
};
