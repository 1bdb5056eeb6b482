// Owns how an event is written: as a WebSocket message, and from that as a server-sent event, without reading its payload.

import type { EventKind, StreamEnd, StreamGap } from '../../contract/events.ts';

/** A comment: it keeps proxies from closing a quiet stream, and finds out that a reader has gone. */
export const EVENTS_KEEP_ALIVE = ': still here\n\n';

type AnyEvent = { time: string; kind: EventKind; payload: unknown };

/** The part of an event that its number does not change. */
export function eventBody({ time, kind, payload }: AnyEvent): string {
  return JSON.stringify({ time, kind, payload });
}

/** The message of a numbered event. */
export function numbered(id: number, body: string): string {
  return `{"id":"${id}",${body.slice(1)}`;
}

/** Messages begin like this, and nothing in it is ever escaped: times and kinds hold no character that would be. */
const HEAD = /^\{(?:"id":"(\d+)",)?"time":"[^"]*","kind":"([a-z._]+)",/;

/** The server-sent event of a message; undefined where the message is none of ours. */
export function sseOf(message: string): { kind: string; text: string } | undefined {
  const [, id, kind] = HEAD.exec(message) ?? [];
  if (kind === undefined) return undefined;
  if (id === undefined) return { kind, text: `event: ${kind}\ndata: ${message}\n\n` };
  const data = `{${message.slice(`{"id":"${id}",`.length)}`;
  return { kind, text: `id: ${id}\nevent: ${kind}\ndata: ${data}\n\n` };
}

export function gapBody(gap: StreamGap, time: string): string {
  return eventBody({ time, kind: 'stream.gap', payload: gap });
}

export function endBody(end: StreamEnd, time: string): string {
  return eventBody({ time, kind: 'stream.end', payload: end });
}
