// Owns the words between who decides where a request goes and who carries it: what an exchange is, and how it ended.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { NamedOnce } from './named-once.ts';
import type { Upstream } from './upstream.ts';

/**
 * How an exchange ended. Only after `unreachable`, `failed`, `too-large` and `named-twice` is there still an answer to
 * give.
 */
export type Relayed =
  /** Nothing was sent: another runtime may be asked. */
  | { kind: 'unreachable'; reason: string }
  | { kind: 'failed'; reason: string }
  | { kind: 'too-large' }
  /** It names its model twice; not all of it was sent, so nobody can have acted on it. */
  | { kind: 'named-twice' }
  | { kind: 'answered'; status: number; firstByteMs: number | undefined; isStream: boolean }
  /** The runtime died within its answer, and the client was made to see it. */
  | { kind: 'cut'; reason: string }
  | { kind: 'client-gone' };

export type Exchange = {
  /** Paused, its start read already. */
  request: IncomingMessage;
  response: ServerResponse;
  /** On its way to the runtime, its head written. */
  upstream: Upstream;
  start: Buffer;
  /** Whether `start` is the whole body. */
  ended: boolean;
  /** Where it matters: asked with every piece of the body that follows `start`, before that is sent. */
  namedOnce: NamedOnce | undefined;
  /** Put before the headers of the answer, names and values alternating. */
  ownHeaders: readonly string[];
};
