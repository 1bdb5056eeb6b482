// Owns how an answer says what is missing in it: shards that could not be reached still hold nodes, from before the number
// of shards was changed. Nobody is shown less without being told.

type Part = { unreached?: readonly number[] | undefined };

/** In the order of their numbers. */
export function unreachedOf(parts: readonly Part[]): number[] {
  return [...new Set(parts.flatMap(({ unreached = [] }) => unreached))].toSorted((a, b) => a - b);
}

/** The member of an answer; left out where nothing is missing. */
export function unreachedMember(parts: readonly Part[]): { unreached_shards?: number[] } {
  const unreached = unreachedOf(parts);
  return unreached.length === 0 ? {} : { unreached_shards: unreached };
}

/** What an entity tag names beside the cuts: the same cuts with less missing are another answer. */
export function unreachedNames(parts: readonly Part[]): { epoch: string; version: number }[] {
  return unreachedOf(parts).map((index) => ({ epoch: 'unreached', version: index }));
}
