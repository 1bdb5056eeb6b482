// Owns entity tags: what they name, and whether a reader has the cut already.

/** The cut of one shard. An epoch is one life of the object in memory, so a version is never reused under it. */
export type CutName = { epoch: string; version: number };

export function entityTag(cuts: readonly CutName[]): string {
  return `"${cuts.map(({ epoch, version }) => `${epoch}-${version.toString(36)}`).join('.')}"`;
}

/** RFC 9110: a list of tags, weak ones included since a read compares weakly, or `*`. */
export function matchesTag(ifNoneMatch: string | undefined, tag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  if (ifNoneMatch.trim() === '*') return true;
  return (ifNoneMatch.match(/(?:W\/)?"[^"]*"/g) ?? []).some((listed) => listed.replace(/^W\//, '') === tag);
}
