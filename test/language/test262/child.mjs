// Runs tests of test262 in cells and in contexts of node, for run.mjs: takes batches over IPC and answers with two
// ends for each test. The cell's is sent first, so that a process that dies says in which of the two.
import vm from 'node:vm';
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { types } from 'node:util';
import { loadTest } from './suite.mjs';
import { moduleSource, scriptSource } from './wrapper.mjs';

const [packageEntry, serviceOptions] = process.argv.slice(2);
const { CodeModeService } = await import(packageEntry);
const service = new CodeModeService(JSON.parse(serviceOptions));
const session = service.createSession({ limits: { wallMs: 20_000, heapMb: 512 } });

const STALLED = 'never ended';
const TOO_LONG = 'took more than 20 s';

async function runInCell(test) {
  const source = test.mode === 'module' ? moduleSource(test) : scriptSource(test);
  const { status, error, contentItems } = await session.exec(source, { yieldTimeMs: Infinity });
  if (status === 'completed') return contentItems.map((item) => item.text).join('\n');
  if (error.code === 'STALLED') return STALLED;
  if (error.code === 'WALL_LIMIT') return TOO_LONG;
  const known = ['SCRIPT_ERROR', 'SYNTAX_ERROR', 'UNSUPPORTED_IMPORT'].includes(error.code);
  return known ? `failed: ${error.message}` : `failed ${error.code}: ${error.message}`;
}

/** A realm of its own without anything of node's. */
function newContext(report) {
  const context = vm.createContext(vm.constants.DONT_CONTEXTIFY);
  context.text = report;
  return context;
}

/** The same module, in a realm with nothing of node's. */
async function runInNode(test) {
  let reported;
  const finished = new Promise((done) => {
    const context = newContext((text) => done((reported = String(text))));
    evaluate(test, context).then(
      () => {},
      (error) =>
        done(
          (reported =
            error?.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT' ? TOO_LONG : `failed: ${wordsOf(error)}`),
        ),
    );
    // What is still pending after some turns of an event loop with nothing else to do never settles.
    void turns(50).then(() => done(reported ?? STALLED));
  });
  return finished;
}

// As in a cell's `error.message`: the message of an error, anything else as text.
function wordsOf(error) {
  try {
    return types.isNativeError(error) ? error.message : String(error);
  } catch {
    return '';
  }
}

async function evaluate(test, context) {
  const source = test.mode === 'module' ? moduleSource(test) : scriptSource(test);
  const options = { context, identifier: pathToFileURL(test.file).href };
  const module = new vm.SourceTextModule(source, options);
  const modules = new Map([[test.file, module]]);
  await module.link((specifier, referrer) => {
    const file = resolve(dirname(fileURLToPath(referrer.identifier)), specifier);
    if (!modules.has(file)) {
      const identifier = pathToFileURL(file).href;
      modules.set(file, new vm.SourceTextModule(readFileSync(file, 'utf8'), { context, identifier }));
    }
    return modules.get(file);
  });
  await module.evaluate({ timeout: 20_000 });
}

async function turns(count) {
  for (let i = 0; i < count; i++) await new Promise((next) => setImmediate(next));
}

// A rejection that a test leaves behind is the test's.
process.on('unhandledRejection', () => {});
process.on('message', async ({ folder, tests, sides }) => {
  for (const { index, path, mode } of tests) {
    const test = loadTest(folder, path, mode);
    if (sides.includes('cell')) process.send({ index, cell: await runInCell(test) });
    if (sides.includes('node')) process.send({ index, node: await runInNode(test) });
  }
  process.send({ idle: true });
});
process.send({ idle: true });
