// Where a cell is meant to differ from node. A difference that none of these explains fails the run.

const imports =
  /^\s*(?:import\s*(?:[\w*{'"]|defer|source)|export\s[^;]*?\bfrom\b)|\bimport\s*(?:\.\s*(?:defer|source)\s*)?\(/m;

/** Each: `id`, a sentence for the reader, and whether it explains a difference of a test. */
export const differences = [
  {
    id: 'shared-memory',
    reason: 'Cells have no SharedArrayBuffer and no Atomics.',
    explains: ({ setup, test, metadata }) =>
      metadata.features.some((feature) => /^(SharedArrayBuffer|Atomics)/.test(feature)) ||
      /\b(SharedArrayBuffer|Atomics)\b/.test(test) ||
      (/\bSharedArrayBuffer\b/.test(setup) &&
        metadata.includes.some((name) => /TypedArray|Atomics/i.test(name))),
  },
  {
    id: 'modules',
    reason: 'Cells import the helpers and tools, and no files.',
    explains: ({ test }) => imports.test(test),
  },
  {
    id: 'observed-promises',
    reason: 'These count who looks at a promise; node, which awaits the module that runs the test, does.',
    explains: ({ path }) => /(observable-then|constructor-lookup)/.test(path),
  },
];
