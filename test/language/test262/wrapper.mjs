// The source text that runs one test, the same for a cell and for node. `text` takes the result.

const PRINT =
  'globalThis.$printed = new Promise((resolve) => (globalThis.print = (line) => resolve(String(line))));';

/** Statements that run a script test by indirect eval and hand its end to `text`; they may use `await`. */
export function scriptSource({ setup, test, asynchronous }) {
  return `
const report = text, evaluate = eval, String = globalThis.String;
${PRINT}
const printed = globalThis.$printed;
const describe = (error) => {
  try {
    return typeof error === 'object' && error !== null
      ? String(error.constructor.name) + ': ' + String(error.message)
      : 'thrown ' + String(error);
  } catch {
    return 'an error that cannot be described';
  }
};
let end = 'ok';
try {
  evaluate(${JSON.stringify(setup)});
  evaluate(${JSON.stringify(test)});
  ${asynchronous ? 'end = await printed;' : ''}
} catch (error) {
  end = describe(error);
}
report(end);`;
}

/** The source of a module test. Its end is the module's: nothing but success is handed to `text`. */
export function moduleSource({ setup, test, asynchronous }) {
  const prologue = `(0, eval)(${JSON.stringify(`${PRINT}\n${setup}\nglobalThis.$report = text;`)});`;
  const epilogue = asynchronous ? '$report(await $printed);' : "$report('ok');";
  return `${prologue}\n${test}\n;${epilogue}`;
}
