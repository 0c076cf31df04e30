// One sample of a process's first isolate: native-first.mjs <addon>
import { watchPeak } from '../support/memory.mjs';
import { loadNativeBenchmarks } from '../support/native-addon.mjs';

const addon = loadNativeBenchmarks(process.argv[2]);
const peakGrowth = watchPeak();
const rows = addon.first();
console.log(JSON.stringify({ rows, growthBytes: peakGrowth() }));
