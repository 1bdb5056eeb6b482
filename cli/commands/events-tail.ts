// Owns `arw-cli events tail`: what happens as it happens, taken up again where the connection broke.

import { setTimeout as delay } from 'node:timers/promises';
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import * as v from 'valibot';
import { EVENT_KINDS, EventSchema, isLogged, type Event } from '../../contract/events.ts';
import { CliError, EXIT } from '../errors.ts';
import { streamHub, type Hub } from '../hub-client.ts';
import { columnsOf, printJsonLine, printLines, progress } from '../output.ts';
import { eventWords } from '../render/event-words.ts';
import { lineOf, wrappedLine, type Line } from '../render/line.ts';
import { toSeconds } from '../render/time.ts';

export type TailOptions = { prefix?: string; replay?: number; after?: string; json?: boolean };

/** The hub says something every 15 s, if only that it lives. */
const SILENCE_MAX_MS = 45_000;
/** A hub that tells no time gave no place to begin at again. */
const UNPLACED = 'connected again; what happened meanwhile is not told';
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;

/** All that is in the log: what comes with each heartbeat would hide the rest. */
const STANDARD_PREFIX = EVENT_KINDS.filter((kind) => isLogged(kind) && !kind.startsWith('stream.')).join(',');

export async function eventsTail(hub: Hub, options: TailOptions): Promise<void> {
  const left = new AbortController();
  const leave = (): void => left.abort();
  process.once('SIGINT', leave);
  process.stdout.on('error', leave);
  let place = options.after;
  let failures = 0;
  let isFirst = true;
  const onOpen = (start: string | undefined): void => {
    if (!isFirst) progress(place === undefined ? UNPLACED : 'connected again');
    isFirst = false;
    place ??= start;
  };
  try {
    while (!left.signal.aborted) {
      try {
        for await (const event of opened(hub, options, isFirst ? undefined : place, onOpen, left.signal)) {
          failures = 0;
          place = event.id ?? place;
          show(event, options.json === true);
        }
      } catch (error) {
        if (left.signal.aborted) break;
        if (isFirst || !mayPass(error)) throw error;
        failures += 1;
        const pauseMs = pauseAfter(failures, Math.random());
        progress(`${error.message}; trying again in ${(pauseMs / 1000).toFixed(1)} s`);
        await delay(pauseMs, undefined, { signal: left.signal }).catch(() => undefined);
      }
    }
  } finally {
    process.off('SIGINT', leave);
  }
}

/** Full jitter, so that those who lost the hub at the same moment do not come back at the same moment. */
export function pauseAfter(failures: number, chance: number): number {
  const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failures);
  return FIRST_PAUSE_MS / 2 + chance * (longest - FIRST_PAUSE_MS / 2);
}

/** The token does not become good by asking again. */
function mayPass(error: unknown): error is CliError {
  return error instanceof CliError && error.exitCode !== EXIT.unauthorized && error.exitCode !== EXIT.usage;
}

/** Where a stream begins: the ids of events are times in microseconds, and the hub tells its time in seconds. */
export function placeAt(date: string | undefined): string | undefined {
  const ms = Date.parse(date ?? '');
  return Number.isNaN(ms) ? undefined : String(ms * 1000);
}

/** Events until the connection ends. @throws CliError at its end. */
async function* opened(
  hub: Hub,
  { prefix, replay, after }: TailOptions,
  place: string | undefined,
  onOpen: (place: string | undefined) => void,
  left: AbortSignal,
): AsyncGenerator<Event> {
  const query = new URLSearchParams({
    prefix: prefix ?? STANDARD_PREFIX,
    ...(place === undefined && after !== undefined && { after }),
    ...(place === undefined && replay !== undefined && { replay: String(replay) }),
  });
  const quiet = new AbortController();
  const timer = setTimeout(() => quiet.abort(), SILENCE_MAX_MS);
  const silent = new CliError(
    EXIT.unreachable,
    `nothing was heard of the hub for ${SILENCE_MAX_MS / 1000} s`,
  );
  try {
    const { header, chunks } = await streamHub(hub, `events?${query.toString()}`, {
      signal: AbortSignal.any([left, quiet.signal]),
      headers: place === undefined ? {} : { 'last-event-id': place },
    });
    onOpen(placeAt(header('date')));
    const messages: EventSourceMessage[] = [];
    const parser = createParser({ onEvent: (message) => void messages.push(message) });
    for await (const text of chunks) {
      timer.refresh();
      parser.feed(text);
      for (const { id, data } of messages.splice(0)) {
        const event = eventOf(id, data);
        if (event !== undefined) yield event;
      }
    }
  } catch (error) {
    throw quiet.signal.aborted ? silent : error;
  } finally {
    clearTimeout(timer);
  }
  throw new CliError(EXIT.unreachable, `the stream from ${hub.url.origin} ended`);
}

function eventOf(id: string | undefined, data: string): Event | undefined {
  const json = v.safeParse(v.pipe(v.string(), v.parseJson()), data);
  if (!json.success) return undefined;
  const event = v.safeParse(EventSchema, { ...(id !== undefined && { id }), ...Object(json.output) });
  return event.success ? event.output : undefined;
}

function show(event: Event, json: boolean): void {
  if (json) return printJsonLine(event);
  printLines(renderEvent(event, columnsOf(process.stdout)));
}

/** The time, and beside it the sentence, on as many lines as it needs. */
export function renderEvent(event: Event, columns: number | undefined): Line[] {
  const time = `${toSeconds(event.time)}  `;
  const sentence = lineOf(eventWords(event));
  if (columns === undefined) return [[{ text: time }, ...sentence]];
  const indent = columns < 60 ? 2 : time.length;
  const lines = wrappedLine(sentence, columns - indent).map((line) => [
    { text: ' '.repeat(indent) },
    ...line,
  ]);
  if (indent < time.length) return [...wrappedLine(lineOf(time), columns), ...lines];
  return lines.map(([lead = { text: '' }, ...line], at) => [at === 0 ? { text: time } : lead, ...line]);
}
