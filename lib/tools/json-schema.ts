import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { JsonSchema, ToolSchema } from './definition.js';

export function isStandardSchema(schema: unknown): schema is StandardSchemaV1 {
  if (schema === null || (typeof schema !== 'object' && typeof schema !== 'function')) return false;
  const standard = (schema as { '~standard'?: unknown })['~standard'];
  return (
    typeof standard === 'object' &&
    standard !== null &&
    typeof (standard as { validate?: unknown }).validate === 'function'
  );
}

export function isPlainSchema(schema: unknown): schema is JsonSchema {
  return isRecord(schema) && !isStandardSchema(schema);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

interface Converter {
  input?: (options: object) => unknown;
  output?: (options: object) => unknown;
}

/**
 * A schema as JSON Schema, for rendering. A Standard Schema is converted by its own library, where that
 * offers a conversion (`~standard.jsonSchema`, or a `toJSONSchema` method as zod has); otherwise, and
 * when the conversion fails, the result is undefined and the tool is described without that type.
 */
export function toJsonSchema(
  schema: ToolSchema | undefined,
  direction: 'input' | 'output',
): JsonSchema | undefined {
  if (schema === undefined) return undefined;
  if (!isStandardSchema(schema)) return isPlainSchema(schema) ? schema : undefined;
  const standard = schema['~standard'] as StandardSchemaV1.Props & { jsonSchema?: Converter };
  // The option only zod knows: a type without a JSON form (a Date, say) becomes {} instead of an error.
  const lenient = standard.vendor === 'zod' ? { libraryOptions: { unrepresentable: 'any' } } : {};
  const attempts: (() => unknown)[] = [
    () => standard.jsonSchema?.[direction]?.({ target: 'draft-2020-12', ...lenient }),
    () => standard.jsonSchema?.[direction]?.({ target: 'draft-07' }),
    () => {
      const convert = (schema as { toJSONSchema?: unknown }).toJSONSchema;
      if (typeof convert !== 'function') return undefined;
      return (convert as (options: object) => unknown).call(schema, {
        io: direction,
        unrepresentable: 'any',
      });
    },
  ];
  for (const attempt of attempts) {
    try {
      const converted = attempt();
      // Not isPlainSchema: a converted schema may be a Standard Schema in turn, as zod's is.
      if (isRecord(converted)) return converted;
    } catch {
      // A library that cannot express the schema throws; the next way is tried.
    }
  }
  return undefined;
}
