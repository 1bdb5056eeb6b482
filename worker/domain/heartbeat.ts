// Owns how a snapshot is read that repeats the node's last one in all but its figures, as almost every heartbeat does:
// without being parsed. Where anything else differs nothing is said, which means: parse it, and decide by that.

import { LEFT_OUT } from './quick-check.ts';

/**
 * What a figure may become without another look at the whole. Each is narrower than the schema's: a count that is
 * written `1e3`, as no reporter writes it, is parsed.
 */
type Kind = 'seq' | 'count' | 'ratio' | 'amount' | 'reading' | 'time';

/** Members by their names; for a list those of each item. */
type Members = { readonly [name: string]: Kind | Members };

/** What may differ and be no news: none of it is material, and no event tells of it. */
const FIGURES: Members = {
  generated: 'time',
  seq: 'seq',
  host: { memory_used_bytes: 'count', load_ratio: 'amount' },
  http: {
    hits: 'count',
    errors: 'count',
    error_rate: 'ratio',
    inflight: 'count',
    window_hits: 'count',
    window_errors: 'count',
    avg_ewma_ms: 'amount',
    ttft_ewma_ms: 'amount',
  },
  runtime: { updated: 'time' },
  runtimes: {
    status: {
      updated_at: 'time',
      health: {
        latency_ms: 'amount',
        capacity: 'count',
        inflight_jobs: 'count',
        queued_jobs: 'count',
        request_count: 'count',
        error_count: 'count',
        error_rate: 'ratio',
        prompt_tokens_per_second: 'amount',
        predicted_tokens_per_second: 'amount',
      },
    },
  },
  accelerators: {
    memory_used_bytes: 'count',
    utilization_ratio: 'ratio',
    temperature_celsius: 'reading',
    power_watts: 'amount',
  },
};

/**
 * What a text said: a snapshot that the schema takes as it stands, and where its figures are, each from and to. Where
 * `isWhole` is false those that never moved are left out: they are a part of what is around them.
 */
export type Told = {
  text: string;
  kinds: readonly Kind[];
  places: readonly number[];
  isWhole: boolean;
};

/** The same with other figures, and their number. */
export type Retold = { told: Told; seq: number };

/** Nobody nests that deep, and a stack is bounded. */
const MAX_DEPTH = 32;
/** Longer ones may be no whole numbers any more. */
const COUNT_MAX_DIGITS = 15;
/** Any so long is finite. */
const FIGURE_MAX_LENGTH = 32;

/**
 * Where the figures of a snapshot are; undefined for a text that is not to be read by them.
 * @param text what the snapshot was parsed from, or more than that: what stands behind it is noticed.
 */
export function toldBy(text: string): Told | undefined {
  const finder = new Finder(text);
  return finder.isWhole() ? { text, kinds: finder.kinds, places: finder.places, isWhole: true } : undefined;
}

/**
 * The same snapshot with other figures; undefined where it may be another one, or none. Most figures of a node stay for
 * long: only those that have moved since its words are compared are looked at, and all of them when another one does.
 */
export function retold(before: Told, text: string): Retold | undefined {
  const again = compared(before, text);
  if (again !== undefined) return before.isWhole ? narrowed(before, again, []) : again;
  const whole = before.isWhole ? undefined : toldBy(before.text);
  const wholly = whole && compared(whole, text);
  return whole && wholly && narrowed(whole, wholly, before.places);
}

function compared(before: Told, text: string): Retold | undefined {
  const { text: last, kinds, isWhole } = before;
  const places = before.places.slice();
  let seq = -1;
  let at = 0;
  let from = 0;
  for (let index = 0; index < kinds.length; index += 1) {
    const start = places[2 * index] ?? 0;
    // Parts of a text are compared as blocks of memory: a loop over their letters takes five times as long.
    if (text.slice(at, at + start - from) !== last.slice(from, start)) return undefined;
    at += start - from;
    const kind = kinds[index] ?? 'time';
    const end = kind === 'time' ? sameDayEnd(text, at, last, start) : figureEnd(text, at, kind);
    if (end < 0) return undefined;
    if (kind === 'seq') seq = Number(text.slice(at, end));
    from = places[2 * index + 1] ?? 0;
    places[2 * index] = at;
    places[2 * index + 1] = end;
    at = end;
  }
  if (text.slice(at) !== last.slice(from)) return undefined;
  return { told: { text, kinds, places, isWhole }, seq };
}

/** Without the figures that are what they were, but for the number and those that began at one of these places. */
function narrowed(before: Told, { told, seq }: Retold, moving: readonly number[]): Retold {
  const begins = new Set(moving.filter((_place, at) => at % 2 === 0));
  const kinds: Kind[] = [];
  const places: number[] = [];
  told.kinds.forEach((kind, index) => {
    const [start = 0, end = 0] = before.places.slice(2 * index);
    const [at = 0, until = 0] = told.places.slice(2 * index);
    const isStill = before.text.slice(start, end) === told.text.slice(at, until);
    if (isStill && kind !== 'seq' && !begins.has(start)) return;
    kinds.push(kind);
    places.push(at, until);
  });
  return { told: { text: told.text, kinds, places, isWhole: false }, seq };
}

const QUOTE = 0x22;
const PLUS = 0x2b;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const BACKSLASH = 0x5c;
const LOWER_A = 0x61;
const LOWER_Z = 0x7a;

/** Where a figure that begins here ends, or -1 where it is none of the kind. What follows it is not looked at. */
function figureEnd(text: string, at: number, kind: Kind): number {
  const first = kind === 'reading' && text.charCodeAt(at) === MINUS ? at + 1 : at;
  const whole = digitsEnd(text, first);
  const hasLeadingZero = text.charCodeAt(first) === ZERO && whole > first + 1;
  if (whole === first || hasLeadingZero) return -1;
  const isCount = kind === 'count' || kind === 'seq';
  if (isCount) return whole - first <= COUNT_MAX_DIGITS ? whole : -1;
  let end = whole;
  if (text.charCodeAt(whole) === POINT) {
    end = digitsEnd(text, whole + 1);
    if (end === whole + 1) return -1;
  }
  if (end - at > FIGURE_MAX_LENGTH) return -1;
  const isRatio =
    whole === first + 1 && (text.charCodeAt(first) === ZERO || (text[first] === '1' && end === whole));
  return kind !== 'ratio' || isRatio ? end : -1;
}

function digitsEnd(text: string, at: number): number {
  let end = at;
  while (isDigit(text.charCodeAt(end))) end += 1;
  return end;
}

function isDigit(code: number): boolean {
  return code >= ZERO && code <= NINE;
}

/** Of a number, or of `true`, `false` and `null`. */
function isOfScalar(code: number): boolean {
  return (
    isDigit(code) || code === POINT || code === MINUS || code === PLUS || (code >= LOWER_A && code <= LOWER_Z)
  );
}

/** A time as `toISOString` writes it, in quotes. */
const TIME_LENGTH = '"2026-11-23T08:00:00.000Z"'.length;
const DAY_LENGTH = '"2026-11-23T'.length;
const TIME_OF_DAY = /^(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z"$/;

/** Another time of the same day: that there is such a day is known. */
function sameDayEnd(text: string, at: number, last: string, from: number): number {
  if (text.slice(at, at + TIME_LENGTH) === last.slice(from, from + TIME_LENGTH)) return at + TIME_LENGTH;
  const isSameDay = text.slice(at, at + DAY_LENGTH) === last.slice(from, from + DAY_LENGTH);
  return isSameDay && isTimeOfDay(text, at) ? at + TIME_LENGTH : -1;
}

function isTimeOfDay(text: string, at: number): boolean {
  return TIME_OF_DAY.test(text.slice(at + DAY_LENGTH, at + TIME_LENGTH));
}

/** Goes through a text that was parsed before: whatever a reporter would not write makes it stop. */
class Finder {
  readonly kinds: Kind[] = [];
  readonly places: number[] = [];
  readonly #text: string;
  #at = 0;
  #isFine = true;

  constructor(text: string) {
    this.#text = text;
  }

  /** True where the text is one object and no more, and its number is among its figures once. */
  isWhole(): boolean {
    if (this.#text[0] !== '{') return false;
    this.#value(FIGURES, 0);
    const hasOneSeq = this.kinds.filter((kind) => kind === 'seq').length === 1;
    return this.#isFine && this.#at === this.#text.length && hasOneSeq;
  }

  #value(wanted: Kind | Members | undefined, depth: number): void {
    if (depth > MAX_DEPTH) return this.#stop();
    const start = this.#at;
    const members = typeof wanted === 'object' ? wanted : undefined;
    switch (this.#text.charAt(start)) {
      case '{':
        return this.#list('}', () => {
          const name = this.#name();
          this.#value(members?.[name], depth + 1);
        });
      case '[':
        return this.#list(']', () => this.#value(members, depth + 1));
      case '"': {
        this.#string();
        const isTime = this.#at - start === TIME_LENGTH && isTimeOfDay(this.#text, start);
        if (wanted === 'time' && isTime) this.#found('time', start);
        return;
      }
      default:
        this.#scalar();
        if (typeof wanted === 'string' && figureEnd(this.#text, start, wanted) === this.#at)
          this.#found(wanted, start);
    }
  }

  /** Everything up to the closing bracket, divided by commas. */
  #list(close: string, one: () => void): void {
    this.#at += 1;
    if (this.#text[this.#at] !== close) {
      one();
      while (this.#isFine && this.#text[this.#at] === ',') {
        this.#at += 1;
        one();
      }
    }
    if (this.#text[this.#at] !== close) this.#stop();
    this.#at += 1;
  }

  /** A name and its colon. An escaped one may be any, and some are left out by the schema: both are parsed each time. */
  #name(): string {
    if (this.#text.charCodeAt(this.#at) !== QUOTE) this.#stop();
    const end = this.#text.indexOf('"', this.#at + 1);
    const name = this.#text.slice(this.#at + 1, end);
    if (end < 0 || this.#text[end + 1] !== ':' || name.includes('\\') || LEFT_OUT.has(name)) this.#stop();
    this.#at = end + 2;
    return name;
  }

  /** Up to a quote that is not escaped: one behind an even number of backslashes. */
  #string(): void {
    for (let end = this.#at; ;) {
      end = this.#text.indexOf('"', end + 1);
      if (end < 0) return this.#stop();
      let before = end;
      while (this.#text.charCodeAt(before - 1) === BACKSLASH) before -= 1;
      if ((end - before) % 2 === 1) continue;
      this.#at = end + 1;
      return;
    }
  }

  #scalar(): void {
    const start = this.#at;
    while (isOfScalar(this.#text.charCodeAt(this.#at))) this.#at += 1;
    if (this.#at === start) this.#stop();
  }

  #found(kind: Kind, start: number): void {
    this.kinds.push(kind);
    this.places.push(start, this.#at);
  }

  /** Nothing that comes is looked at. */
  #stop(): void {
    this.#isFine = false;
    this.#at = this.#text.length;
  }
}
