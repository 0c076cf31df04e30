/**
 * The JavaScript identifier a tool name gives, per Unicode scalar: the first may be a letter, `_` or `$`,
 * later ones also a digit, and everything else becomes one `_` (a leading digit is replaced as well).
 * The empty name gives `_`. Reserved words stay as they are: they are legal as property names.
 */
export function globalName(name: string): string {
  if (/^[A-Za-z_$][A-Za-z0-9_$]*$/.test(name)) return name;
  let identifier = '';
  for (const scalar of name) {
    const legal = identifier === '' ? /^[A-Za-z_$]$/ : /^[A-Za-z0-9_$]$/;
    identifier += legal.test(scalar) ? scalar : '_';
  }
  return identifier === '' ? '_' : identifier;
}

/**
 * The identifier under which `tools/<namespace>.js` exports a tool: made of the host's own name when
 * one is given, else of the name without its namespace in front. Without a namespace, the global name.
 */
export function shortName(name: string, namespace: string | null, toolName: string | undefined): string {
  if (namespace === null) return globalName(name);
  if (toolName !== undefined) return globalName(toolName);
  for (const separator of ['__', '_', '.']) {
    const prefix = namespace + separator;
    if (name.length > prefix.length && name.startsWith(prefix)) return globalName(name.slice(prefix.length));
  }
  return globalName(name);
}
