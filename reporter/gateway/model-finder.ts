// Owns the contract of whoever looks for a model's name in a body that is still arriving.

export type Finding =
  | { kind: 'more' }
  /** `start` and `end` span the JSON text of the name, quotes included; absent where the body cannot be written anew. */
  | { kind: 'found'; name: string; start?: number; end?: number }
  /** The body names no model, whatever is still to come. */
  | { kind: 'none' };

export type ModelFinder = {
  /** Not to be asked again once it has answered other than `more`. */
  push(chunk: Buffer): Finding;
};
