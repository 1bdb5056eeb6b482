// Owns what a subscriber asks for and what it gets: its filter, where its stream begins, and what it must be told first.

import * as v from 'valibot';
import { EVENT_KINDS, isLogged, REPLAY_MAX, type EventKind, type StreamGap } from '../../contract/events.ts';

const MAX_PREFIXES = 32;
const PREFIX_WORDS = 'must be beginnings of kinds, as in "runtime.state.,node."';
const ID_WORDS = 'must be the id of an event';
const REPLAY_WORDS = `must be a whole number from 0 to ${REPLAY_MAX}`;

const EventId = v.pipe(v.string(), v.regex(/^\d{1,15}$|^[0-8]\d{15}$/, ID_WORDS), v.transform(Number));

/** The query of `GET /events`. */
export const EventsQuerySchema = v.strictObject({
  prefix: v.optional(
    v.pipe(
      v.string(),
      v.regex(/^[a-z._]{1,64}(,[a-z._]{1,64})*,?$/, PREFIX_WORDS),
      v.transform((list) => list.split(',').filter((prefix) => prefix !== '')),
      v.maxLength(MAX_PREFIXES, `may name at most ${MAX_PREFIXES}`),
    ),
  ),
  replay: v.optional(
    v.pipe(
      v.string(),
      v.regex(/^\d{1,4}$/, REPLAY_WORDS),
      v.transform(Number),
      v.maxValue(REPLAY_MAX, REPLAY_WORDS),
    ),
  ),
  after: v.optional(EventId),
});

/** A browser sends the header empty where it has heard no event yet. */
export const LastEventIdSchema = v.object({ 'Last-Event-ID': v.optional(v.union([EventId, v.literal('')])) });

export const SubscriptionSchema = v.object({
  /** Undefined admits every kind. */
  prefixes: v.optional(v.array(v.string())),
  replay: v.optional(v.number()),
  after: v.optional(v.number()),
});
export type Subscription = v.InferOutput<typeof SubscriptionSchema>;

/** Of the three ways to begin, what a browser sends when it connects again is the newest word; then `after`. */
export function subscriptionOf(
  { prefix, replay, after }: v.InferOutput<typeof EventsQuerySchema>,
  lastEventId: number | '' | undefined,
): Subscription {
  const begin = typeof lastEventId === 'number' ? lastEventId : after;
  return {
    ...(prefix !== undefined && { prefixes: prefix }),
    ...(begin === undefined ? replay !== undefined && { replay } : { after: begin }),
  };
}

/** Events of the stream itself are for everybody. */
export function admits(prefixes: readonly string[] | undefined, kind: string): boolean {
  if (prefixes === undefined || kind.startsWith('stream.')) return true;
  return prefixes.some((prefix) => kind.startsWith(prefix));
}

/** An id is a time in microseconds where the clock allows it, so that it grows over the lives of the object too. */
export function nextEventId(last: number, now: number): number {
  return Math.max(last + 1, now * 1000);
}

/** What is in the log: the first event, the one before it, which is there no more, and how many there have ever been. */
export type Reach = { first: number; before: number; trimmed: boolean };

/** What a stream that resumes after an id must be told before anything else: what it can no longer be told. */
export function gapsAfter(
  { after, prefixes }: Subscription,
  reach: Reach | undefined,
  nextId: number,
): StreamGap[] {
  if (after === undefined) return [];
  const gaps: StreamGap[] = [];
  if (after >= nextId) {
    gaps.push({ reason: 'unknown-id', message: 'This hub never gave that id: load again what you keep' });
  } else if (!reaches(after, reach)) {
    gaps.push({
      reason: 'trimmed',
      message: 'The log does not reach back to that id: load again what you keep',
    });
  }
  const unlogged = EVENT_KINDS.filter((kind) => isUnlogged(kind) && admits(prefixes, kind));
  if (unlogged.length > 0) {
    gaps.push({
      reason: 'unlogged',
      message: `Not in the log: ${unlogged.join(', ')}. What came meanwhile is not repeated: load again what you keep`,
    });
  }
  return gaps;
}

function isUnlogged(kind: EventKind): boolean {
  return !isLogged(kind) && !kind.startsWith('stream.');
}

/** 0 asks for everything that there is. An empty log may be one that was lost, so it reaches nowhere. */
function reaches(after: number, reach: Reach | undefined): boolean {
  if (reach === undefined) return after === 0;
  return after >= reach.before || (after === 0 && !reach.trimmed);
}
