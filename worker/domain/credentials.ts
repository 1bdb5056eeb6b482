// Owns which secrets admit a node, how a node token is spelled, and until when a replaced token still works.

import * as v from 'valibot';
import { NodeIdSchema } from '../../contract/ids.ts';

const TOKEN_PREFIX = 'arwn_';

/** A hash of a token that admits the node; `until` where it was replaced and works for an overlap only. */
export type TokenHash = { hash: string; until: number | null };

/** What a shard must know of a node to speak with it. `commandKey` signs the commands for it. */
export type Credentials = { node: string; commandKey: string; tokens: TokenHash[] };

/** A token names its node, so that a token for another node is told from one that is wrong. */
export function spellToken(node: string, secret: string): string {
  return `${TOKEN_PREFIX}${node}.${secret}`;
}

/** The node that a token says it is for; undefined where it is no node token. Nothing is proved by it. */
export function nodeOfToken(token: string): string | undefined {
  const dot = token.lastIndexOf('.');
  if (!token.startsWith(TOKEN_PREFIX) || dot < 0) return undefined;
  const node = token.slice(TOKEN_PREFIX.length, dot);
  return v.is(NodeIdSchema, node) ? node : undefined;
}

/** The entry that admits the presented hash now. */
export function admits(credentials: Credentials, hash: string, now: number): TokenHash | undefined {
  return credentials.tokens.find(
    (token) => token.hash === hash && (token.until === null || now < token.until),
  );
}

/** The tokens of a node after a new one was issued: the older ones end with the overlap, or sooner. */
export function rotate(tokens: readonly TokenHash[], issued: string, overlapUntil: number): TokenHash[] {
  const older = tokens.map(({ hash, until }) => ({
    hash,
    until: Math.min(until ?? overlapUntil, overlapUntil),
  }));
  return [...older, { hash: issued, until: null }];
}
