/**
 * Owns the comparison of JSON by shape: which keys there are and what type each has, not what they hold. Two
 * bodies of the same shape can be read by the same client.
 */

/** Objects keep their keys, sorted; a list keeps the shape of its first element; a value becomes its type. */
export function keyShape(value: unknown): unknown {
  if (value === null) return 'null';
  if (Array.isArray(value)) return value.length === 0 ? [] : [keyShape(value[0])];
  if (typeof value !== 'object') return typeof value;
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, keyShape(inner)]));
}
