/** Which parts of a schema are referred to more than once, and so deserve a name. */
export interface References {
  isShared(schema: unknown): boolean;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The subschema that `#`, `#/a/b` or `#anchor` points at; undefined for anything else. */
export function localTarget(root: unknown, reference: string): unknown {
  if (reference === '#') return root;
  if (!reference.startsWith('#/'))
    return reference.startsWith('#') ? anchored(root, reference.slice(1)) : undefined;
  let node = root;
  for (const part of reference.slice(2).split('/')) {
    let key = part;
    try {
      key = decodeURIComponent(part);
    } catch {
      // Not percent-encoded: taken as it is.
    }
    key = key.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof node !== 'object' || node === null || !Object.hasOwn(node, key)) return undefined;
    node = (node as Record<string, unknown>)[key];
  }
  return node;
}

function anchored(root: unknown, anchor: string): unknown {
  if (!isRecord(root)) return undefined;
  for (const container of [root['$defs'], root['definitions']]) {
    if (!isRecord(container)) continue;
    for (const schema of Object.values(container)) {
      if (isRecord(schema) && (schema['$anchor'] === anchor || schema['$id'] === `#${anchor}`)) return schema;
    }
  }
  return undefined;
}

/** Subschemas looked at before the rest of a huge schema is taken to refer to nothing. */
const MOST_NODES = 20_000;

/**
 * Counts references by walking everything reachable once. Every cycle of references passes through a
 * target that is referred to at least twice (from outside, or as the root, and from within), so a
 * renderer that names the shared targets and inlines the others always ends.
 */
export function findReferences(root: unknown): References {
  const counts = new Map<unknown, number>([[root, 1]]);
  const seen = new Set<unknown>([root]);
  const pending: unknown[] = [root];
  while (pending.length > 0 && seen.size <= MOST_NODES) {
    const node = pending.pop();
    if (typeof node !== 'object' || node === null) continue;
    const reference = (node as { $ref?: unknown }).$ref;
    if (typeof reference === 'string') {
      const target = localTarget(root, reference);
      if (isRecord(target)) {
        counts.set(target, (counts.get(target) ?? 0) + 1);
        if (!seen.has(target)) {
          seen.add(target);
          pending.push(target);
        }
      }
    }
    for (const [key, child] of Object.entries(node)) {
      // Definitions are walked when something refers to them; values are not schemas.
      if (key === '$defs' || key === 'definitions' || VALUE_KEYWORDS.has(key)) continue;
      if (typeof child !== 'object' || child === null || seen.has(child)) continue;
      seen.add(child);
      pending.push(child);
    }
  }
  return { isShared: (schema) => isRecord(schema) && (counts.get(schema) ?? 0) > 1 };
}

const VALUE_KEYWORDS = new Set(['const', 'enum', 'default', 'examples', 'required', 'description']);
