// Owns what is new of the acts for somebody who hears the page: a turn of an act, once, also where another act said the same.

/** What is said of each act, by its id; the newest act first. */
export type Turns = ReadonlyMap<number, string>;

export function freshTurn(heard: Turns, turns: Turns): { id: number; words: string } | undefined {
  for (const [id, words] of turns) if (heard.get(id) !== words) return { id, words };
  return undefined;
}
