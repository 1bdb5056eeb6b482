// Owns which of several names somebody may have meant: the fewest edits first.

const NAMED_AT_MOST = 3;

/** @returns at most three of `names`, the closest first; in case of doubt in their own order. */
export function closestTo(wanted: string, names: readonly string[]): string[] {
  return names
    .map((name) => ({ name, edits: editsBetween(wanted.toLowerCase(), name.toLowerCase()) }))
    .toSorted((a, b) => a.edits - b.edits)
    .slice(0, NAMED_AT_MOST)
    .map(({ name }) => name);
}

/** Levenshtein: characters inserted, left out or replaced. */
function editsBetween(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
