import { anyFailure, programs, thrown, type HostileProgram } from '../program.js';

/** Statements before each escape: `report` puts out `safe` or what was reached. */
const prelude = `
const hostNames = ['process', 'require', 'module', 'exports', 'Buffer', 'global', 'fetch', 'WebAssembly',
  'SharedArrayBuffer', 'Atomics', 'console', 'performance', 'crypto', 'structuredClone', 'queueMicrotask', 'Worker',
  'navigator', 'setImmediate', 'setInterval', 'gc', '__dirname', '__filename', 'hostileSecret', 'print', 'read',
  'load_module', 'd8', 'os', 'internalBinding', 'primordials', 'EventTarget', 'AbortSignal', 'URL', 'Blob'];
const hostNamesIn = (object) => object == null ? [] : hostNames.filter((name) => { try { return name in Object(object) } catch { return false } });
const put = text, stringify = JSON.stringify;
const isArray = Array.isArray;
const flatten = (value) => { if (!isArray(value)) return String(value) + ' '; let all = ''; for (let i = 0; i < value.length; i++) all += flatten(value[i]); return all };
const report = (...leaks) => { const all = flatten(leaks); put(all === '' ? 'safe' : 'reached: ' + all) };
`;

type Row = readonly [name: string, source: string];

function escapes(rows: readonly Row[], more: Omit<Partial<HostileProgram>, 'source'> = {}): HostileProgram[] {
  return programs(
    ['completed'],
    rows.map(([name, source]) => [name, prelude + source] as const),
    { output: 'safe', limits: { wallMs: 5000 }, ...more },
  );
}

/** Run with both profiles. */
const eitherProfile: Row[] = [
  ['globals of the host', 'report(hostNamesIn(globalThis))'],
  [
    'constructor chains of every helper',
    'const helpers = [text, content, image, audio, generatedImage, store, load, notify, yield_control, exit, as_settled, stream_settled, setTimeout, clearTimeout, tools, tools.echo, ALL_TOOLS]; report(...helpers.map((h) => hostNamesIn(h.constructor.constructor("return globalThis")())), helpers.filter((h) => h.constructor.constructor !== Function).map((h) => h.name))',
  ],
  [
    'constructor chains of a tool promise and its result',
    'const p = tools.echo({ a: [1] }); const r = await p; report(hostNamesIn(p.constructor.constructor("return this")()), p.constructor === Promise ? [] : "Promise", (r.constructor === Object && r.a.constructor === Array) ? [] : "realm")',
  ],
  [
    'constructor chains of a tool error',
    'const e = await tools.hostError().catch((e) => e); report(typeof e === "string" ? [] : [hostNamesIn(e.constructor.constructor("return this")()), e instanceof Error ? [] : "realm", /[\\\\/]|node:|child\\.mjs/.test(String(e.stack).replaceAll("exec_main.mjs", "")) ? String(e.stack) : []])',
  ],
  [
    'indirect eval and Function',
    'report(hostNamesIn((0, eval)("this")), hostNamesIn(Function("return this")()), hostNamesIn((async () => {}).constructor("return globalThis")), hostNamesIn(await (async () => {}).constructor("return globalThis")()), hostNamesIn((function* () {}).constructor("yield globalThis")().next().value))',
  ],
  [
    'import() of everything',
    'const leaks = []; for (const name of ["fs", "node:fs", "process", "node:process", "child_process", "node:vm", "node:module", "v8", "/etc/passwd", "file:///etc/passwd", "./package.json", "../dist/index.js", "data:text/javascript,export default 1", "https://example.com/x.js", "blob:x", "exec_main.mjs", "./exec_main.mjs", "", "\\0", "__proto__", "constructor", "toString", "x".repeat(1e6), "\\ud800"]) try { const m = await import(name); leaks.push(name) } catch {} report(leaks)',
  ],
  [
    'import() with attributes',
    'const leaks = []; for (const type of ["json", "css", "wasm", "text", "bytes", "\\0"]) try { await import("./package.json", { with: { type } }); leaks.push(type) } catch {} report(leaks)',
  ],
  [
    'import() of hostile specifiers',
    'const leaks = []; for (const s of [{ toString() { throw 1 } }, Symbol("s"), new Proxy({}, { get() { throw 1 } }), null, undefined, 1n]) try { await import(s); leaks.push("imported") } catch {} report(leaks)',
  ],
  [
    'import() from Function, eval and timers',
    'const leaks = []; for (const f of [() => Function("return import(\\"node:fs\\")")(), () => (0, eval)("import(\\"node:fs\\")"), () => new Promise((res, rej) => setTimeout(() => import("node:fs").then(res, rej)))]) try { await f(); leaks.push("fs") } catch {} report(leaks)',
  ],
  [
    'import.meta',
    'report(Object.getOwnPropertyNames(import.meta), Object.getPrototypeOf(import.meta) === null ? [] : hostNamesIn(import.meta))',
  ],
  [
    'dynamic import through then of a module',
    'Object.prototype.then = undefined; const m = await import("tools.js").catch(() => ({})); delete Object.prototype.then; report(hostNamesIn(m))',
  ],
  [
    'prepareStackTrace call sites',
    'const leaks = []; Error.prepareStackTrace = (e, sites) => sites; const look = (sites) => { for (const s of [].concat(sites)) { if (!s || typeof s.getThis !== "function") continue; for (const m of ["getThis", "getFunction", "getFileName", "getScriptNameOrSourceURL", "getEvalOrigin", "getTypeName", "getScriptHash"]) try { const v = s[m]?.(); leaks.push(hostNamesIn(v)); if (typeof v === "string" && /[\\\\/]/.test(v)) leaks.push(m + v) } catch {} } }; look(new Error().stack); try { image(1) } catch (e) { look(e.stack) } const e = await tools.hostError().catch((e) => e); look(e.stack); [1].map(() => look(new Error().stack)); await Promise.resolve().then(() => look(new Error().stack)); await new Promise((r) => setTimeout(() => { look(new Error().stack); r() })); delete Error.prepareStackTrace; report(leaks)',
  ],
  [
    'prepareStackTrace given away through the host',
    'let seen; Error.prepareStackTrace = (e, s) => { seen = [e, s]; return "x" }; await tools.hostError().catch((e) => e.stack); await tools.deepResult().catch((e) => e.stack); delete Error.prepareStackTrace; report(hostNamesIn(seen?.[0]?.constructor.constructor("return this")()))',
  ],
  [
    'captureStackTrace on helpers and globals',
    'const leaks = []; for (const o of [globalThis, text, tools.echo, {}]) try { Error.captureStackTrace(o); if (/[\\\\/]/.test(String(o.stack))) leaks.push(o.stack) } catch {} report(leaks)',
  ],
  [
    'caller and arguments of functions',
    'const leaks = []; Function("f", "globalThis.sloppy = function sloppy() { f(sloppy.caller, sloppy.arguments) }")((c) => leaks.push(hostNamesIn(c))); sloppy(); await Promise.resolve().then(sloppy); [2, 1].sort(sloppy); stringify({ toJSON: sloppy }); setTimeout(sloppy); await new Promise((r) => setTimeout(r, 5)); report(leaks)',
  ],
  [
    'this in sloppy functions and getters',
    'const leaks = []; const f = Function("return this"); leaks.push(hostNamesIn(f()), hostNamesIn(f.call(null))); try { text.call(f()) } catch {} report(leaks)'.replace(
      'try { text.call(f()) } catch {} ',
      '',
    ),
  ],
  [
    'Symbol.species',
    'for (const C of [Array, Promise, RegExp, ArrayBuffer, Map, Set]) Object.defineProperty(C, Symbol.species, { get() { return class { constructor(x) { if (typeof x === "function") x(() => {}, () => {}) } } }, configurable: true }); const r = await tools.echo({ a: [1, 2] }); report(r.a[1] === 2 ? [] : "misled")',
  ],
  [
    'a Promise constructor that is overwritten',
    'Promise.prototype.constructor = class { constructor(f) { f(() => {}, () => {}) } }; const r = await tools.echo({ a: 1 }); report(r.a === 1 ? [] : "misled")',
  ],
  [
    'Promise.prototype.then that is overwritten',
    'const then = Promise.prototype.then; let seen = []; Promise.prototype.then = function (...a) { seen.push(this, ...a); return then.apply(this, a) }; const r = await tools.echo({ a: 1 }); for await (const x of as_settled([tools.echo({})])) seen.push(x); Promise.prototype.then = then; report(seen.map((s) => hostNamesIn(s?.constructor?.constructor("return this")())))',
  ],
  [
    'Promise and its statics that are gone',
    'const P = Promise; globalThis.Promise = undefined; for (const k of ["resolve", "reject", "all", "race"]) delete P[k]; const r = await tools.echo({ a: 1 }); report(r.a === 1 ? [] : "misled")',
  ],
  [
    'a then getter on Object.prototype',
    'let n = 0; Object.defineProperty(Object.prototype, "then", { get() { n++; return undefined }, configurable: true }); const r = await tools.echo({ a: 1 }); delete Object.prototype.then; report(r.a === 1 ? [] : "misled")',
  ],
  [
    'then on the results of tools',
    'const r = await tools.prototypeKeys(); report(({}).polluted === undefined && [].polluted === undefined ? [] : "polluted", Object.getPrototypeOf(r) === Object.prototype ? [] : "prototype")',
  ],
  [
    '__proto__ keys in inputs',
    'const r = await tools.echo(JSON.parse("{\\"__proto__\\":{\\"polluted\\":1},\\"constructor\\":{\\"prototype\\":{\\"polluted\\":1}}}")).catch(() => null); report(({}).polluted === undefined ? [] : "polluted")',
  ],
  [
    '__proto__ keys in stored values',
    'store("__proto__", JSON.parse("{\\"__proto__\\":{\\"polluted\\":1}}")); store("constructor", { prototype: { polluted: 1 } }); const r = load("__proto__"); report(({}).polluted === undefined ? [] : "polluted", load("toString") === undefined && load("hasOwnProperty") === undefined ? [] : "inherited")',
  ],
  [
    'setters on Object.prototype for what helpers write',
    'let n = []; for (const k of ["type", "text", "image_url", "detail", "index", "status", "value", "reason", "message", "name", "code", "data", "stack", "get", "set", "writable", "enumerable", "configurable", "toJSON", "length", "0", "1"]) Object.defineProperty(Object.prototype, k, { __proto__: null, set(v) { n.push(k) }, get() { return undefined }, configurable: true }); const r = await tools.echo({ a: [1, { b: 2 }] }); for await (const x of as_settled([tools.echo({})])); const e = await tools.throwsString().catch((e) => e); store("k", { a: 1 }); load("k"); const hit = n.slice(); for (const k of Object.getOwnPropertyNames(Object.prototype)) if (!["constructor", "__proto__"].includes(k) && Object.getOwnPropertyDescriptor(Object.prototype, k).set && k.length < 13 && !k.startsWith("__")) delete Object.prototype[k]; report(r.a[1].b === 2 ? [] : "misled")',
  ],
  [
    'JSON that is overwritten',
    'JSON.stringify = () => "\\"pwned\\""; JSON.parse = () => ({ pwned: true }); globalThis.JSON = { stringify: JSON.stringify, parse: JSON.parse }; const r = await tools.echo({ a: 1 }); store("k", { a: 2 }); report(r.a === 1 && load("k").a === 2 ? [] : "misled")',
  ],
  [
    'toJSON on every prototype',
    'for (const C of [Object, String, Number, Boolean, Array, Symbol]) Object.defineProperty(C.prototype, "toJSON", { value: () => "pwned", configurable: true }); Object.defineProperty(BigInt.prototype, "toJSON", { value: () => 1, configurable: true }); const values = [await tools.echo({ a: 1 }).catch(() => 0)]; for (const C of [Object, String, Number, Boolean, Array, Symbol]) delete C.prototype.toJSON; report()',
  ],
  [
    'Array.prototype that is overwritten',
    'const it = Array.prototype[Symbol.iterator]; for (const k of ["push", "map", "forEach", "shift", "slice", "join", "indexOf", "splice", "concat", "values"]) Array.prototype[k] = () => { throw "misled" }; let ok = true; const r = await tools.echo({ a: [1] }); store("k", [1]); ok = load("k")[0] === 1 && r.a[0] === 1; put(ok ? "safe" : "misled")',
  ],
  [
    'index setters on Array.prototype',
    'const hits = []; for (let i = 0; i < 5; i++) Object.defineProperty(Array.prototype, i, { set(v) { hits.push.call(hits, v) }, get() { return "pwned" }, configurable: true }); const r = await tools.echo({ a: [1, 2] }); for (let i = 0; i < 5; i++) delete Array.prototype[i]; report(r.a.length === 2 && r.a[0] === 1 ? [] : "misled")',
  ],
  [
    'Function.prototype.call and apply that are overwritten',
    'let n = 0; Function.prototype.call = Function.prototype.apply = Function.prototype.bind = () => { n++; throw 1 }; const r = await tools.echo({ a: 1 }); report(r.a === 1 ? [] : "misled")',
  ],
  [
    'Symbol.iterator of everything that is hostile',
    'for (const C of [String, Map, Set]) C.prototype[Symbol.iterator] = () => { throw 1 }; const r = await tools.echo({ a: "x" }); report(r.a === "x" ? [] : "misled")',
  ],
  [
    'Symbol.toPrimitive of prototypes that is hostile',
    'Object.prototype[Symbol.toPrimitive] = () => { throw 1 }; String.prototype.toString = () => { throw 1 }; const r = await tools.echo({ a: 1 }); delete Object.prototype[Symbol.toPrimitive]; store("k", 1); report(load("k") === 1 && r.a === 1 ? [] : "misled")',
  ],
  [
    'RegExp and String methods that are overwritten',
    'RegExp.prototype.exec = () => { throw 1 }; RegExp.prototype.test = () => true; for (const k of ["startsWith", "toLowerCase", "indexOf", "trim", "slice", "replace", "split"]) String.prototype[k] = () => "pwned"; let e; try { image("file:///etc/passwd") } catch (x) { e = x } report(e === undefined ? "accepted" : [])',
  ],
  [
    'a frozen global object',
    'Object.freeze(globalThis); for (const k of Object.getOwnPropertyNames(globalThis)) try { Object.freeze(globalThis[k]); Object.freeze(globalThis[k]?.prototype) } catch {} const r = await tools.echo({ a: 1 }); store("k", 1); for await (const x of as_settled([1])); report(r.a === 1 && load("k") === 1 ? [] : "misled")',
  ],
  [
    'every intrinsic taken away',
    'for (const k of Object.getOwnPropertyNames(globalThis)) if (!["tools", "undefined", "NaN", "Infinity"].includes(k)) try { delete globalThis[k] } catch {} const r = await tools.echo({ a: [1] }); put(r.a[0] === 1 ? "safe" : "misled")',
  ],
  [
    'every prototype emptied',
    'for (const C of [Error, TypeError, RangeError, Array, Map, Set, Promise, String, Number, Function, RegExp, Date]) for (const k of Reflect.ownKeys(C.prototype)) if (k !== "then" && k !== Symbol.iterator) try { delete C.prototype[k] } catch {} for (const f of [image, audio, content, store]) try { f() } catch {} const r = await tools.echo({ a: 1 }); put(r.a === 1 ? "safe" : "misled")',
  ],
  [
    'the prototype of the global object replaced',
    'try { Object.setPrototypeOf(globalThis, new Proxy({}, { get() { throw 1 }, has() { return false } })) } catch {} try { Object.setPrototypeOf(Object.getPrototypeOf(globalThis), null) } catch {} const r = await tools.echo({ a: 1 }); put(r.a === 1 ? "safe" : "misled")',
  ],
  [
    'Proxy and Reflect games on tools',
    'const p = new Proxy(tools, { get(t, k, r) { return Reflect.get(t, k, r) } }); const r = await p.echo({ a: 1 }); const q = new Proxy(tools.echo, { apply: (t, s, a) => Reflect.apply(t, new Proxy({}, {}), a) }); const s = await q({ a: 2 }); const leaks = []; for (const f of [() => Object.setPrototypeOf(tools, { x: 1 }), () => Object.defineProperty(tools, "echo", { get() { return 1 } }), () => delete tools.never, () => { tools.added = 1 }, () => Object.setPrototypeOf(tools.echo, null), () => Reflect.construct(tools.echo, [{}], Proxy), () => new tools.echo({}), () => Reflect.ownKeys(tools).map((k) => Object.getOwnPropertyDescriptor(tools, k)), () => Object.getPrototypeOf(tools)?.constructor?.constructor("return process")()]) try { const v = f(); leaks.push(hostNamesIn(v)) } catch {} report(r.a === 1 && s.a === 2 ? leaks : "misled")',
  ],
  [
    'symbols and odd keys of tools',
    'const leaks = []; for (const k of ["__proto__", "constructor", "then", "toString", "valueOf", "hasOwnProperty", Symbol.toPrimitive, Symbol.iterator, Symbol.toStringTag, "", 0, -1, "\\0", "x".repeat(1e6)]) { const v = tools[k]; if (v != null) leaks.push(hostNamesIn(v), hostNamesIn(v.constructor?.constructor?.("return this")())) } report(leaks)',
  ],
  [
    'a tool as then, iterator, getter, toJSON and trap',
    'const r = await tools.echo({ a: 1 }); const o = { get x() { return tools.echo } }; o.x({}); Object.defineProperty({}, "y", { get: tools.echo }).y; new Proxy({}, { get: tools.echo }).z; JSON.stringify({ toJSON: tools.echo }); [1, 2].map(tools.echo); "x".replace("x", tools.echo); [2, 1].sort(tools.echo); Promise.resolve(1).then(tools.echo); setTimeout(tools.echo); new Promise(tools.echo).catch(() => {}); await new Promise((r) => setTimeout(r, 10)); report(r.a === 1 ? [] : "misled")',
  ],
  [
    'helpers as callbacks of the engine',
    'new Promise(store).catch(() => {}); [1].map(load); Promise.resolve().then(clearTimeout); [2, 1].sort(clearTimeout); new Proxy({}, { get: load }).x; JSON.stringify({ toJSON: load }); Object.defineProperty({}, "a", { get: load }).a; try { setTimeout(setTimeout) } catch {} try { as_settled(as_settled) } catch {} new FinalizationRegistry(clearTimeout).register({}, 1); report()',
  ],
  [
    'ALL_TOOLS that is hostile',
    'try { ALL_TOOLS.length = 0; ALL_TOOLS.push({}) } catch {} try { globalThis.ALL_TOOLS = new Proxy([], { get() { throw 1 } }) } catch {} try { globalThis.tools2 = tools; } catch {} const r = await tools.echo({ a: 1 }); report(r.a === 1 ? [] : "misled")',
  ],
  [
    'a tool call during an input conversion',
    'let n = 0; const r = await tools.echo({ get a() { if (n++ < 20) { tools.echo(this).catch(() => {}); put2(); } return 1 } }).catch((e) => e); function put2() { store("n", n) } report(r.a === 1 || r.a === undefined ? [] : "misled")',
  ],
  [
    'store() during a store() conversion',
    'store("a", { get a() { store("a", { get b() { store("c", 3); return 2 } }); return 1 } }); report(load("a").a === 1 && load("c") === 3 ? [] : "misled")',
  ],
  [
    'a helper that is overwritten from within itself',
    'const t = text; globalThis.text = () => { throw 1 }; globalThis.exit = globalThis.store = 1; t("safe")',
  ],
  [
    'accessors in as_settled() records',
    'for (const k of ["index", "status", "value", "reason", "done", "next", "return"]) Object.defineProperty(Object.prototype, k, { __proto__: null, set() { throw 1 }, get() { return undefined }, configurable: true }); let n = 0; try { for await (const x of as_settled([1, Promise.reject(2)])) n += x.status === "fulfilled" || x.status === "rejected" ? 1 : 0 } catch {} for (const k of ["index", "status", "value", "reason", "done", "next", "return"]) delete Object.prototype[k]; report(n === 2 || n === 0 ? [] : "misled")',
  ],
  [
    'async generator prototypes that are hostile',
    'const AG = Object.getPrototypeOf(Object.getPrototypeOf((async function* () {})())); let ok = 0; for (const k of ["next", "return", "throw"]) Object.defineProperty(AG, k, { value: () => { throw "x" }, configurable: true }); try { for await (const x of as_settled([1])) ok++ } catch {} await stream_settled([1], () => {}).catch(() => {}); report()',
  ],
  [
    'the locale and the time zone give no path',
    'const o = new Intl.DateTimeFormat().resolvedOptions(); report(/[\\\\:]|\\.\\./.test(o.timeZone) ? o.timeZone : [])',
  ],
  [
    'source text of helpers',
    'report([text, store, tools.echo, as_settled, stream_settled, content].map((f) => Function.prototype.toString.call(f)).filter((s) => /[\\\\/](home|work|usr|node)/.test(s)))',
  ],
  [
    'a ShadowRealm or a document.all',
    'report(["ShadowRealm", "document", "%DebugPrint", "createRealm", "Realm"].filter((k) => k in globalThis))',
  ],
  ['native syntax', 'let leak = []; try { eval("%DebugPrint(1)"); leak = "natives" } catch {} report(leak)'],
  [
    'HTML-like comments and hashbangs in eval',
    'let leak = []; try { Function("<!-- x\\n--> y\\nreturn 1")() } catch {} try { eval("#!/bin/sh\\n1") } catch {} report(leak)',
  ],
  [
    'sourceURL and sourceMappingURL',
    'let leak = []; try { eval("throw new Error(1)\\n//# sourceURL=file:///etc/passwd\\n//# sourceMappingURL=file:///etc/passwd") } catch (e) { if (/root:/.test(e.stack)) leak = e.stack } report(leak)',
  ],
  [
    'WeakRef to helpers after they are gone',
    'const r = new WeakRef(tools.echo); globalThis.w = new WeakRef(text); for (let i = 0; i < 50; i++) new Array(1e5).fill(i); await new Promise((x) => setTimeout(x, 5)); report(hostNamesIn(r.deref()))',
  ],
];

const bothProfiles = [
  ...escapes(eitherProfile),
  ...escapes(eitherProfile, { profile: 'codex' }).map((program) => ({
    ...program,
    name: `${program.name}, profile codex`,
  })),
];

const names = ['__proto__', 'constructor', 'then', 'toString', 'toJSON', 'valueOf', 'hasOwnProperty'];

export const escapePrograms: HostileProgram[] = [
  ...bothProfiles,
  ...escapes(
    [
      [
        'tools named like members of Object.prototype, profile codex',
        'const names = ["__proto__", "constructor", "then", "toString", "toJSON", "valueOf", "hasOwnProperty"]; for (const k of Reflect.ownKeys(tools)) if (typeof tools[k] === "function" && names.includes(k)) try { await tools[k]({}) } catch {} const r = await tools.echo({ a: 1 }); report(r.a === 1 ? [] : "misled", hostNamesIn(Object.getPrototypeOf(tools)?.constructor?.constructor?.("return this")?.()))',
      ],
      [
        'tools awaited where a tool is named then, profile codex',
        'const r = await Promise.race([tools, new Promise((r) => setTimeout(r, 20))]).catch(() => 1); report(hostNamesIn(r))',
      ],
    ],
    { profile: 'codex', toolNames: names },
  ),
  ...escapes(
    [
      [
        'tools named like members of Object.prototype',
        'for (const k of Reflect.ownKeys(tools)) if (k.startsWith("to") || k === "valueOf" || k === "then") await tools[k]({}); report()',
      ],
    ],
    {
      toolNames: ['then', 'toString', 'toJSON', 'valueOf', 'hasOwnProperty', 'constructor'],
    },
  ),
  ...programs(
    ['failed UNSUPPORTED_IMPORT', 'failed SYNTAX_ERROR'],
    [
      ['a static import of node:fs', 'import fs from "node:fs"; text(fs)'],
      ['a static import of a file', 'import x from "/etc/passwd"; text(x)'],
      ['a static import with attributes', 'import x from "./package.json" with { type: "json" }; text(x)'],
      ['a static import of itself', 'import * as self from "exec_main.mjs"; text(self)'],
      ['a static re-export', 'export * from "node:fs"; export * from "tools/__proto__.js"'],
      ['10,000 static imports', Array.from({ length: 10_000 }, (_, i) => `import "m${i}"`).join(';')],
    ],
  ),
  ...programs(
    ['failed SYNTAX_ERROR', 'failed HEAP_LIMIT', ...anyFailure],
    [
      ['a source of open brackets', '('.repeat(1e6)],
      ['a source of open braces', '{'.repeat(1e6)],
      ['a source of open templates', '`${'.repeat(1e6)],
      ['a source of open arrays', '['.repeat(5e6)],
      ['a source of unary operators', '!'.repeat(5e6)],
      ['a source of arrow functions', 'a=>'.repeat(1e6)],
      ['a source of classes', 'class extends '.repeat(5e5)],
      ['a source of control characters', '\u0000\u2028\uFEFF\uD800'.repeat(1e5)],
    ],
  ),
  ...programs(
    ['completed', ...thrown, 'failed SYNTAX_ERROR', 'failed HEAP_LIMIT'],
    [
      ['a source of additions', `1${'+1'.repeat(2e6)}`],
      ['a source of a million statements', 'let a;'.replace('let', 'var') + 'a=1;'.repeat(2e6)],
      ['a source of 15 MB of one literal', `"${'x'.repeat(15e6)}"`],
      ['a source of many else if', `if(0);${'else if(0);'.repeat(1e5)}`],
      ['a source of many labels', Array.from({ length: 1e4 }, (_, i) => `l${i}:`).join('') + ';'],
    ],
    { limits: { wallMs: 10_000 } },
  ),
];
