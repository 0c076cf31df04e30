import { anyEnd, programs } from '../program.js';

const longest = '{ length: 2 ** 53 - 1 }';
const methods: (readonly [method: string, rest: string])[] = [
  ['at', ', -1'],
  ['concat', ', new Array(2 ** 32 - 1)'],
  ['copyWithin', ', 0, 1'],
  ['every', ', () => true'],
  ['fill', ', 0'],
  ['filter', ', () => false'],
  ['find', ', () => false'],
  ['findLast', ', () => false'],
  ['flat', ''],
  ['flatMap', ', (x) => x'],
  ['forEach', ', () => {}'],
  ['includes', ', 1'],
  ['indexOf', ', 1'],
  ['join', ''],
  ['lastIndexOf', ', 1'],
  ['map', ', (x) => x'],
  ['reduce', ', (x) => x, 0'],
  ['reverse', ''],
  ['shift', ''],
  ['slice', ', 1'],
  ['some', ', () => false'],
  ['sort', ''],
  ['splice', ', 0, 1'],
  ['toLocaleString', ''],
  ['toReversed', ''],
  ['toSorted', ''],
  ['toSpliced', ', 0, 1'],
  ['unshift', ', 1'],
  ['with', ', 0, 1'],
];

const onLongObjects = methods.map(
  ([method, rest]) =>
    [`${method} over a length of 2^53 - 1`, `Array.prototype.${method}.call(${longest}${rest})`] as const,
);
const onLongArrays = methods.map(
  ([method, rest]) =>
    [
      `${method} over an array of 2^32 - 1`,
      `Array.prototype.${method}.call(new Array(2 ** 32 - 1)${rest})`,
    ] as const,
);

const others: (readonly [string, string])[] = [
  ['String.raw of a length of 2^53 - 1', 'String.raw({ raw: { length: 2 ** 53 - 1 } })'],
  ['Array.from({ length: 2 ** 32 - 1 })', 'Array.from({ length: 2 ** 32 - 1 })'],
  [
    'Array.from of a proxy',
    'Array.from(new Proxy([], { get: (t, k) => k === "length" ? 2 ** 32 - 1 : undefined }))',
  ],
  ['replaceAll in 2^27 characters', '"a".repeat(2 ** 27).replaceAll("a", "b")'],
  ['replaceAll with empty text', '"a".repeat(2 ** 26).replaceAll("", "bc")'],
  ['for in over a huge string', 'for (const k in "x".repeat(2 ** 27));'],
  ['for of over a huge string', 'for (const c of "x".repeat(2 ** 29 - 25));'],
  ['Reflect.ownKeys of a huge string', 'Reflect.ownKeys(new String("x".repeat(2 ** 27)))'],
  ['Object.assign from a huge string', 'Object.assign({}, "x".repeat(2 ** 24))'],
  ['Object.freeze of a huge typed array', 'for (;;) try { Object.freeze(new Array(1e6).fill(0)) } catch {}'],
  ['indexOf of a bad needle', '("a".repeat(2 ** 27) + "b").indexOf("a".repeat(2 ** 26) + "c")'],
  ['includes of a bad needle', '"ab".repeat(2 ** 26).includes("ab".repeat(2 ** 20) + "c")'],
  ['lastIndexOf of a bad needle', '"a".repeat(2 ** 26).lastIndexOf("b" + "a".repeat(2 ** 25))'],
  ['split by a bad needle', '"a".repeat(2 ** 26).split("a".repeat(2 ** 13) + "b")'],
  [
    'localeCompare of huge strings',
    '("\\u00e4".repeat(2 ** 26) + "a").localeCompare("\\u00e4".repeat(2 ** 26) + "b", "de")',
  ],
  ['normalize of a huge string', '"\\u1e9b\\u0323".repeat(2 ** 25).normalize("NFKD")'],
  ['toUpperCase of a huge string', '"\\u00df".repeat(2 ** 27).toUpperCase()'],
  ['toLocaleLowerCase of a huge string', '"I".repeat(2 ** 27).toLocaleLowerCase("tr")'],
  ['encodeURIComponent of a huge string', 'encodeURIComponent("\\u20ac".repeat(2 ** 25))'],
  ['escape of a huge string', 'escape("\\u20ac".repeat(2 ** 25))'],
  ['decodeURIComponent of a huge string', 'decodeURIComponent("%61".repeat(2 ** 26))'],
  ['trim of a huge string', 'for (;;) (" ".repeat(2 ** 28) + "x").trim()'],
  ['padEnd to the longest', '"x".padEnd(2 ** 29 - 25, "ab").lastIndexOf("c")'],
  [
    'isWellFormed and toWellFormed',
    'const s = "\\ud800".repeat(2 ** 27); s.isWellFormed(); s.toWellFormed()',
  ],
  ['String.fromCharCode of 1e7 arguments', 'String.fromCharCode.apply(null, new Uint16Array(1e7))'],
  ['Reflect.apply with a length of 2^53 - 1', 'Reflect.apply(Math.max, null, { length: 2 ** 53 - 1 })'],
  ['Reflect.construct with a length of 2^32', 'Reflect.construct(Array, { length: 2 ** 32 })'],
  ['push of a length of 2^53 - 2', 'Array.prototype.push.call({ length: 2 ** 53 - 2 }, 1)'],
  [
    'length set to 0 of a huge dictionary',
    'const a = []; a[2 ** 32 - 2] = 1; for (let i = 0; i < 1e6; i += 10) a[i * 4000 % 4e9] = 1; a.length = 0',
  ],
  [
    'typed array sort',
    'new Float64Array(7e6).map(Math.random).sort(); for (;;) new Float64Array(7e6).sort((a, b) => a - b)',
  ],
  ['typed array join', 'for (;;) new Uint8Array(6e7).join("xxxx")'],
  ['typed array indexOf', 'const a = new Uint8Array(6e7); for (;;) a.indexOf(1)'],
  ['typed array from a length', 'Uint8Array.from({ length: 6e7 })'],
  ['typed array set from a length', 'for (;;) new Uint8Array(6e7).set({ length: 6e7 })'],
  [
    'sort of 2e6 strings',
    'const a = Array.from({ length: 3e5 }, (_, i) => "x".repeat(50) + (i * 7919 % 300007)); for (;;) a.toSorted()',
  ],
  ['join of the same huge string', 'new Array(2 ** 20).fill("x".repeat(2 ** 10)).join("")'],
  ['join of a huge sparse array', 'const a = []; a[2 ** 28] = 1; a.join("").length'],
  ['a huge separator', '[1, 2, 3, 4].join("x".repeat(2 ** 28))'],
  ['JSON.stringify with a sparse array', 'const a = []; a[2 ** 32 - 2] = 1; JSON.stringify(a)'],
  ['text() of a sparse array', 'const a = []; a[2 ** 32 - 2] = 1; text(a)'],
  ['a sparse array given to a tool', 'const a = []; a[2 ** 32 - 2] = 1; await tools.echo({ a })'],
  ['a sparse array given to store()', 'const a = []; a[2 ** 32 - 2] = 1; store("a", a)'],
  [
    'text() of a proxied length',
    'text(new Proxy([], { get: (t, k) => k === "length" ? 2 ** 53 - 1 : t[k] }))',
  ],
  ['text() of a typed array', 'text(new Uint8Array(6e7))'],
  [
    'JSON.stringify indented',
    'let o = {}; for (let i = 0; i < 3000; i++) o = [o, o.length]; JSON.stringify(o, null, "x".repeat(10))',
  ],
  ['Map.groupBy without end', 'Map.groupBy({ *[Symbol.iterator]() { for (;;) yield 1 } }, (x) => x)'],
  [
    'Object.fromEntries without end',
    'Object.fromEntries({ *[Symbol.iterator]() { for (let i = 0;; i++) yield [i, i] } })',
  ],
  ['new Set of an endless iterator', 'new Set({ *[Symbol.iterator]() { for (let i = 0;; i++) yield i } })'],
  [
    'an iterator helper that drops without end',
    '(function* () { for (;;) yield 1 })().drop?.(Infinity).next(); for (;;);',
  ],
  ['Iterator.prototype.toArray without end', '(function* () { for (;;) yield 1 })().toArray?.(); for (;;);'],
  [
    'Set operations on a lying set',
    'new Set([1]).union?.({ size: 1, has: () => true, keys: () => ({ next: () => ({ done: false, value: {} }) }) }); for (;;);',
  ],
  [
    'Math.hypot of many',
    'Math.hypot(...new Array(1e5).fill(1)); for (;;) Math.max.apply(null, new Float64Array(1e5))',
  ],
  ['parseInt of a huge string', 'for (;;) parseInt("1".repeat(2 ** 26), 7)'],
  ['Number of a huge string', 'for (;;) Number("1".repeat(2 ** 27))'],
  ['parseFloat of a huge string', 'for (;;) parseFloat("0." + "1".repeat(2 ** 27))'],
  ['Date.parse of a huge string', 'for (;;) Date.parse("(".repeat(2 ** 27))'],
  [
    'Intl.Segmenter over a huge string',
    '[...new Intl.Segmenter("th", { granularity: "word" }).segment("\\u0e01".repeat(2 ** 24))]',
  ],
  [
    'Intl.DateTimeFormat formatToParts in a loop',
    'const f = new Intl.DateTimeFormat("en", { dateStyle: "full" }); for (;;) f.formatToParts(0)',
  ],
  [
    'Intl.Collator over huge strings',
    'const c = new Intl.Collator("de", { ignorePunctuation: true }); c.compare("-".repeat(2 ** 27), "-".repeat(2 ** 27) + "a")',
  ],
  ['a hash flood', 'const m = {}; for (let i = 0;; i++) m[String(i * 4294967296)] = i'],
  ['a tagged template that is huge', 'eval("String.raw`" + "${1}".repeat(1e6) + "`")'],
  ['RegExp.escape of a huge string', 'RegExp.escape?.("(".repeat(2 ** 26)); for (;;);'],
  [
    'base64 of a huge string',
    'Uint8Array.fromBase64?.("A".repeat(2 ** 26)); new Uint8Array(5e7).toBase64?.(); new Uint8Array(5e7).toHex?.(); for (;;);',
  ],
];

export const builtinPrograms = programs([...anyEnd], [...onLongObjects, ...onLongArrays, ...others]);
