/**
 * Pieces of TypeScript text made from foreign strings. Whatever the string holds, the result is one
 * token (or one comment) on one line: nothing in it can end the comment, the literal or a code fence.
 */

const LONGEST_LITERAL = 120;

/** Control and format characters, line separators included: none may reach a comment. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]+/gu;

/** Text for one `//` comment, at most `limit` UTF-16 units. */
export function commentText(text: string, limit: number): string {
  const line = text.replace(UNPRINTABLE, ' ').replace(/\s+/g, ' ').replaceAll('```', "'''").trim();
  return shortened(line, limit);
}

/** At most `limit` UTF-16 units, cut at a space where one is near, never inside a character. */
export function shortened(text: string, limit: number): string {
  if (text.length <= limit) return text;
  let end = Math.max(0, limit - 3);
  const space = text.lastIndexOf(' ', end);
  if (space > end * 0.7) end = space;
  const unit = text.charCodeAt(end - 1);
  if (unit >= 0xd800 && unit <= 0xdbff) end -= 1;
  return `${text.slice(0, end)}...`;
}

/** A string literal type, or `string` when the literal would be too long. */
export function stringLiteral(value: string): string {
  return value.length > LONGEST_LITERAL ? 'string' : quoted(value);
}

/** A property name: as it is when it is an identifier, else quoted. */
export function propertyName(name: string): string {
  return /^[A-Za-z_$][A-Za-z0-9_$]*$/.test(name) ? name : quoted(name);
}

function quoted(value: string): string {
  return JSON.stringify(value)
    .replaceAll('```', '\\u0060\\u0060\\u0060')
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) =>
      Array.from({ length: character.length }, (_, i) => character.charCodeAt(i))
        .map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`)
        .join(''),
    );
}

/** A type name made from any text: `search results` as `SearchResults`. */
export function typeName(text: string): string {
  const words = text
    .slice(0, 80)
    .split(/[^A-Za-z0-9]+/)
    .filter(Boolean);
  const name = words.map((word) => word[0]!.toUpperCase() + word.slice(1)).join('');
  return /^[A-Za-z]/.test(name) ? name : `T${name}`;
}
