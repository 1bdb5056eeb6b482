// Owns whether a patch is the next one for what was loaded; docs/api.md has the rule.

/** By shard: the last patch that is contained. */
export type Versions = Readonly<Record<string, number>>;

/** `missing`: something between was lost, so all of it is to be loaded again. */
export function patchOrder(
  versions: Versions,
  { shard, base, version }: { shard: string; base: number; version: number },
): 'contained' | 'next' | 'missing' {
  const own = versions[shard] ?? 0;
  if (version <= own) return 'contained';
  return base === own ? 'next' : 'missing';
}
