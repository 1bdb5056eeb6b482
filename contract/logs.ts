// Owns reading the log of a runtime through the hub: what may be asked, how a node is asked, and what limits hold. It is a
// live relay: nothing of it is queued, kept or sent again.

import * as v from 'valibot';
import { Count } from './scalars.ts';

/** The kind of the command that asks a node for lines. It is none of `COMMAND_KINDS`: it never enters the queue. */
export const LOGS_KIND = 'logs';

export const TAIL_DEFAULT = 200;
/** What a host holds ready for one reader: the oldest lines beyond it are dropped, and counted. */
export const TAIL_MAX = 1000;

/** A longer line is cut, and says so. */
export const LOG_LINE_MAX_LENGTH = 4096;

/** Readers at a time: each costs the host a look at its file four times a second, and the hub a stream. */
export const LOG_READERS_PER_NODE = 8;
export const LOG_READERS_PER_RUNTIME = 4;

/** A reader that forgot that it follows must not cost for ever. */
export const FOLLOW_MAX_MS = 3_600_000;

export const LogsArgsSchema = v.strictObject({
  tail: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(TAIL_MAX)),
  follow: v.boolean(),
});
export type LogsArgs = v.InferOutput<typeof LogsArgsSchema>;

/**
 * Node to hub: the next lines for the command `id`, redacted and without line ends. `seq` counts the frames from 0.
 * `dropped` lines are missing before these. The first frame may hold no line: it says that the node has begun.
 */
export const LogChunkSchema = v.looseObject({
  type: v.literal('log.chunk'),
  id: v.pipe(v.string(), v.minLength(1), v.maxLength(200)),
  seq: Count,
  lines: v.array(v.string()),
  dropped: v.optional(Count),
});
export type LogChunk = v.InferOutput<typeof LogChunkSchema>;

/** How a follow ends: the data of the last event of the stream. */
export const LogEndSchema = v.looseObject({
  /** `limit`: it lasted as long as it may; `node-gone`: the node's socket closed; else the node's own word. */
  reason: v.string(),
  message: v.string(),
});
export type LogEnd = v.InferOutput<typeof LogEndSchema>;

/** The data of an event that says how many lines are missing at this place. */
export const LogsDroppedSchema = v.looseObject({ lines: Count });
