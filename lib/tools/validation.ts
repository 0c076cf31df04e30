import { requireDependency } from '../builtin-modules.js';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { AnySchema, ErrorObject, Options, ValidateFunction } from 'ajv';
import { describeValue } from '../option-reader.js';
import { nearestName } from '../suggest.js';
import type { JsonSchema } from './definition.js';
import { isStandardSchema } from './json-schema.js';
import { toolLabel, type ResolvedTool } from './tool-set.js';

/** `value` is what `execute` gets; `message` names the tool and the path of what does not fit. */
export type CheckedInput = { ok: true; value: unknown } | { ok: false; message: string };

/** One thing wrong with an input: `input.query`, `must be string`. */
interface Issue {
  path: string;
  message: string;
}

/** Issues told in one message. */
const MAX_ISSUES = 5;
/** Inputs of more nodes than this are told the first issue only: a list of all of them could be huge. */
const MAX_NODES_FOR_ALL_ISSUES = 2_000;

/**
 * Checks the input of a nested call against the tool's kind and schema (the default profile's rule).
 *
 * A `function` tool takes an object or nothing. Nothing reaches `execute` as `{}` when the tool has a
 * schema (which `{}` then has to fit), and as undefined when it has none. A `freeform` tool takes a
 * string. JSON Schemas leave the input as it is; the output of a Standard Schema replaces it.
 * Answers synchronously except for a Standard Schema that validates asynchronously; never throws or rejects.
 */
export function checkInput(
  tool: ResolvedTool,
  input: unknown,
  hasInput: boolean,
): CheckedInput | Promise<CheckedInput> {
  const present = hasInput && input !== undefined;
  if (tool.kind === 'freeform') {
    if (typeof input !== 'string' || !present) {
      return rejected(tool, [{ path: 'input', message: `must be a string; got ${gotten(input, present)}` }]);
    }
  } else if (present && (typeof input !== 'object' || input === null || Array.isArray(input))) {
    return rejected(tool, [{ path: 'input', message: `must be an object; got ${gotten(input, present)}` }]);
  }
  const schema = tool.inputSchema;
  if (schema === undefined) return { ok: true, value: present ? input : undefined };
  const value = present ? input : {};
  return isStandardSchema(schema)
    ? checkStandard(tool, schema, value, present)
    : checkJsonSchema(tool, schema, value);
}

function gotten(input: unknown, present: boolean): string {
  return present ? describeValue(input) : 'no input';
}

function rejected(tool: ResolvedTool, issues: readonly Issue[]): CheckedInput {
  const told = issues.slice(0, MAX_ISSUES).map(({ path, message }) => `${path}: ${message}`);
  if (issues.length > MAX_ISSUES) told.push(`and ${issues.length - MAX_ISSUES} more`);
  return { ok: false, message: `${toolLabel(tool.name)} ${told.join('; ')}` };
}

function unusableSchema(tool: ResolvedTool, error: unknown): CheckedInput {
  const reason = error instanceof Error ? error.message : String(error);
  return { ok: false, message: `${toolLabel(tool.name)}: its inputSchema cannot be used: ${reason}` };
}

// Standard Schema

function checkStandard(
  tool: ResolvedTool,
  schema: StandardSchemaV1,
  value: unknown,
  present: boolean,
): CheckedInput | Promise<CheckedInput> {
  const judge = (result: StandardSchemaV1.Result<unknown>): CheckedInput =>
    result.issues ? rejected(tool, result.issues.map(standardIssue)) : { ok: true, value: result.value };
  try {
    const result = schema['~standard'].validate(value);
    if (isThenable(result)) {
      return Promise.resolve(result)
        .then(judge)
        .catch((error: unknown) => unusableSchema(tool, error));
    }
    if (result.issues && !present) {
      // A schema for "no input at all" (such as z.void()) does not take the `{}` that stands for it.
      const withoutInput = schema['~standard'].validate(undefined);
      if (!isThenable(withoutInput) && !withoutInput.issues) return judge(withoutInput);
    }
    return judge(result);
  } catch (error) {
    return unusableSchema(tool, error);
  }
}

function isThenable<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof (value as { then?: unknown }).then === 'function';
}

function standardIssue(issue: StandardSchemaV1.Issue): Issue {
  let path = 'input';
  for (const segment of issue.path ?? []) {
    path = pathJoin(path, typeof segment === 'object' ? segment.key : segment);
  }
  return { path, message: issue.message };
}

// JSON Schema

interface AjvLike {
  compile(schema: AnySchema): ValidateFunction;
}

/** Nothing is printed, formats are not judged, and unknown keywords are allowed; `verbose` gives errors their schema. */
const AJV_OPTIONS: Options = {
  strict: false,
  validateFormats: false,
  validateSchema: false,
  logger: false,
  verbose: true,
};

type AjvClass = new (options: Options) => AjvLike;

interface CompiledSchema {
  first: ValidateFunction;
  /** Collects every issue; compiled when an input first fails. */
  all: () => ValidateFunction;
}

const compiled = new WeakMap<JsonSchema, CompiledSchema | { error: unknown }>();

function checkJsonSchema(tool: ResolvedTool, schema: JsonSchema, value: unknown): CheckedInput {
  let entry = compiled.get(schema);
  if (entry === undefined) {
    try {
      entry = compile(schema);
    } catch (error) {
      entry = { error };
    }
    compiled.set(schema, entry);
  }
  if ('error' in entry) return unusableSchema(tool, entry.error);
  try {
    if (entry.first(value)) return { ok: true, value };
    let errors = entry.first.errors;
    if (isSmall(value)) {
      const all = entry.all();
      if (!all(value)) errors = all.errors;
    }
    return rejected(tool, uniqueIssues(errors ?? [], value));
  } catch (error) {
    return unusableSchema(tool, error);
  }
}

function compile(schema: JsonSchema): CompiledSchema {
  if (schema['$async'] === true) throw new Error('$async schemas are not supported');
  // The dialect is chosen here; ajv would refuse one that is spelled in a way it does not know.
  const { $schema: dialect, ...body } = schema;
  // An instance of its own for each schema: what it names with $id stays out of the way of the others. Schemas are
  // not checked against their dialect's own schema, which takes longer to compile than everything else here: what
  // cannot be compiled is refused all the same.
  const make = (draft: Draft, allErrors: boolean): ValidateFunction =>
    new (loadAjv(draft))({ ...AJV_OPTIONS, allErrors }).compile(body);
  let draft = draftOf(dialect);
  let first: ValidateFunction;
  try {
    first = make(draft, false);
  } catch (error) {
    if (dialect !== undefined) throw error;
    // A schema that does not say its dialect and is not valid in the newest one may be of the older kind.
    draft = 'draft-07';
    try {
      first = make(draft, false);
    } catch {
      throw error;
    }
  }
  let all: ValidateFunction | undefined;
  return { first, all: () => (all ??= make(draft, true)) };
}

type Draft = '2020-12' | '2019-09' | 'draft-07';

function draftOf(dialect: unknown): Draft {
  if (typeof dialect !== 'string') return '2020-12';
  if (/draft-0[3-7]/.test(dialect)) return 'draft-07';
  return dialect.includes('2019-09') ? '2019-09' : '2020-12';
}

const ajvFiles: Record<Draft, string> = {
  '2020-12': 'ajv/dist/2020.js',
  '2019-09': 'ajv/dist/2019.js',
  'draft-07': 'ajv/dist/ajv.js',
};

/** Loads the validator when a schema is first needed: a host without schemas never pays for it. */
function loadAjv(draft: Draft): AjvClass {
  return (requireDependency(ajvFiles[draft]) as { default: AjvClass }).default;
}

function isSmall(value: unknown): boolean {
  let left = MAX_NODES_FOR_ALL_ISSUES;
  const pending = [value];
  while (pending.length > 0) {
    const node = pending.pop();
    if (--left < 0) return false;
    if (typeof node !== 'object' || node === null) continue;
    const children = Object.values(node) as unknown[];
    if (children.length > left) return false;
    for (const child of children) pending.push(child);
  }
  return true;
}

function uniqueIssues(errors: readonly ErrorObject[], root: unknown): Issue[] {
  const issues = new Map<string, Issue>();
  for (const error of errors) {
    const issue = jsonSchemaIssue(error, root);
    issues.set(`${issue.path}\n${issue.message}`, issue);
  }
  return [...issues.values()];
}

function jsonSchemaIssue(error: ErrorObject, root: unknown): Issue {
  const path = inputPath(error.instancePath, root);
  const parameters = error.params as Record<string, unknown>;
  const name = (key: string) => String(parameters[key]);
  switch (error.keyword) {
    case 'required':
    case 'dependentRequired':
    case 'dependencies':
      return { path: pathJoin(path, name('missingProperty')), message: 'is required' };
    case 'additionalProperties':
      return {
        path: pathJoin(path, name('additionalProperty')),
        message: unknownProperty(error, 'additionalProperty'),
      };
    case 'unevaluatedProperties':
      return {
        path: pathJoin(path, name('unevaluatedProperty')),
        message: unknownProperty(error, 'unevaluatedProperty'),
      };
    case 'enum':
      return { path, message: `must be one of ${listed(parameters['allowedValues'])}` };
    case 'const':
      return { path, message: `must be ${listed([parameters['allowedValue']])}` };
    case 'false schema':
      return { path, message: 'is not allowed' };
    default:
      return { path, message: error.message ?? `does not fit "${error.keyword}"` };
  }
}

function unknownProperty(error: ErrorObject, parameter: string): string {
  const parent = error.parentSchema as { properties?: unknown } | undefined;
  const known = parent?.properties;
  const names = typeof known === 'object' && known !== null ? Object.keys(known) : [];
  const nearest = nearestName(String((error.params as Record<string, unknown>)[parameter]), names);
  return nearest === undefined
    ? 'is not a known property'
    : `is not a known property; did you mean "${nearest}"?`;
}

function listed(values: unknown): string {
  const list = Array.isArray(values) ? (values as unknown[]) : [];
  const shown = list.slice(0, 12).map((value) => shortened(JSON.stringify(value) ?? 'undefined'));
  if (list.length > shown.length) shown.push(`... (${list.length} values)`);
  return shown.join(', ');
}

function shortened(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}...` : text;
}

/** `/items/0/a~1b` as `input.items[0]["a/b"]`. */
function inputPath(pointer: string, root: unknown): string {
  let path = 'input';
  let node = root;
  for (const part of pointer.split('/').slice(1)) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~');
    path = pathJoin(path, Array.isArray(node) ? Number(key) : key);
    node = typeof node === 'object' && node !== null ? (node as Record<string, unknown>)[key] : undefined;
  }
  return path;
}

function pathJoin(path: string, key: PropertyKey): string {
  if (typeof key === 'number') return `${path}[${key}]`;
  const name = String(key);
  return /^[A-Za-z_$][\w$]*$/.test(name)
    ? `${path}.${shortened(name)}`
    : `${path}[${shortened(JSON.stringify(name))}]`;
}
