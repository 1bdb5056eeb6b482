// Owns following the log of one runtime: the stream is opened, read, opened again where it broke, and every turn is told.

import { createParser } from 'eventsource-parser';
import * as v from 'valibot';
import { LogEndSchema, LogsDroppedSchema, TAIL_DEFAULT } from '../../contract/logs.ts';
import { plainLine } from '../view-model/log-lines.ts';
import { problemWords } from './problem-words.ts';
import { sessionIsOver } from './session.ts';
import { Silence } from './silence.ts';

export type LogStreamNews =
  | { kind: 'connecting' }
  | { kind: 'open' }
  /** `resumed`: the first ones after a break, which begin with lines that were told before. */
  | { kind: 'lines'; lines: string[]; resumed: boolean }
  | { kind: 'dropped'; lines: number }
  /** It goes on by itself after so long. */
  | { kind: 'broke'; told: string; againInMs: number }
  /** It does not. */
  | { kind: 'stopped'; told: string };

/** Lines are told together: a burst of a thousand must not draw the page a thousand times. */
const GATHER_MS = 100;
/** A tail comes in several messages; what is known of it is only seen in the whole. */
const GATHER_RESUMED_MS = 400;
const AGAIN_MIN_MS = 1000;
const AGAIN_MAX_MS = 15_000;
/** The hub sends something at least every 15 s: a comment where there is no line. */
const SILENCE_MAX_MS = 45_000;

/** Statuses that another attempt does not change: not there, not by this node, not for this session. */
const LASTING: ReadonlySet<number> = new Set([400, 401, 403, 404, 409, 501]);

type Break = { told: string; lasting: boolean };

/** @returns ends it. */
export function followLog(
  runtime: { node: string; runtime: string },
  tell: (news: LogStreamNews) => void,
): () => void {
  const left = new AbortController();
  void keepFollowing(runtime, tell, left.signal);
  return () => left.abort();
}

async function keepFollowing(
  runtime: { node: string; runtime: string },
  tell: (news: LogStreamNews) => void,
  signal: AbortSignal,
): Promise<void> {
  let resumed = false;
  let delayMs = AGAIN_MIN_MS;
  while (!signal.aborted) {
    tell({ kind: 'connecting' });
    const reading = new Reading(tell, resumed);
    const broken = await read(runtime, reading, signal);
    reading.flush();
    if (signal.aborted) return;
    if (broken.lasting) return tell({ kind: 'stopped', told: broken.told });
    if (reading.isOpen) {
      resumed = true;
      delayMs = AGAIN_MIN_MS;
    }
    tell({ kind: 'broke', told: broken.told, againInMs: delayMs });
    await pause(delayMs, signal);
    delayMs = Math.min(AGAIN_MAX_MS, delayMs * 2);
  }
}

async function read(
  { node, runtime }: { node: string; runtime: string },
  reading: Reading,
  signal: AbortSignal,
): Promise<Break> {
  const silence = new Silence(SILENCE_MAX_MS);
  const path = `orchestrator/runtimes/${encodeURIComponent(`${node}/${runtime}`)}/logs`;
  try {
    const url = new URL(`${path}?tail=${TAIL_DEFAULT}&follow=1`, document.baseURI);
    const response = await fetch(url, { signal: AbortSignal.any([signal, silence.signal]) });
    if (response.status === 401) sessionIsOver();
    if (!response.ok || response.body === null) {
      const told = problemWords(await response.json(), response.status);
      return { told, lasting: LASTING.has(response.status) };
    }
    reading.opened();
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      silence.heard();
      reading.feed(value);
    }
    return { told: reading.end ?? 'The stream broke off.', lasting: false };
  } catch {
    if (silence.signal.aborted) return { told: 'The stream fell silent.', lasting: false };
    // Also where the body broke in the middle, or was no JSON.
    return { told: reading.end ?? 'The hub cannot be reached.', lasting: false };
  } finally {
    silence.end();
  }
}

/** One stream: its events gathered into news. */
class Reading {
  isOpen = false;
  /** Why it ended, in its own words. */
  end: string | undefined;
  readonly #tell: (news: LogStreamNews) => void;
  #resumed: boolean;
  #lines: string[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #parser = createParser({ onEvent: ({ event, data }) => this.#take(event, data) });

  constructor(tell: (news: LogStreamNews) => void, resumed: boolean) {
    this.#tell = tell;
    this.#resumed = resumed;
  }

  opened(): void {
    this.isOpen = true;
    this.#tell({ kind: 'open' });
  }

  feed(text: string): void {
    this.#parser.feed(text);
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const lines = this.#lines.splice(0);
    if (lines.length === 0) return;
    this.#tell({ kind: 'lines', lines, resumed: this.#resumed });
    this.#resumed = false;
  }

  #take(event: string | undefined, data: string): void {
    if (event === 'log') {
      this.#lines.push(plainLine(data));
      this.#timer ??= setTimeout(() => this.flush(), this.#resumed ? GATHER_RESUMED_MS : GATHER_MS);
    } else if (event === 'dropped') {
      const dropped = parsed(LogsDroppedSchema, data);
      this.flush();
      if (dropped !== undefined) this.#tell({ kind: 'dropped', lines: dropped.lines });
    } else if (event === 'end') {
      this.end = parsed(LogEndSchema, data)?.message;
    }
  }
}

function parsed<T>(schema: v.GenericSchema<unknown, T>, data: string): T | undefined {
  const result = v.safeParse(v.pipe(v.string(), v.parseJson(), schema), data);
  return result.success ? result.output : undefined;
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
  });
}
