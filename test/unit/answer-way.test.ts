// By which way an answer leaves its host: over the socket at first, by uploads where the hub takes them, and every byte once
// and in its order whatever becomes of them.

import * as fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { RELAY_WINDOW_BYTES } from '../../contract/relay-credit.ts';
import { readRecords } from '../../contract/relay-records.ts';
import { AnswerWay, UPLOAD_PACE } from '../../reporter/uplink/answer-way.ts';
import { RelayOutbox } from '../../reporter/uplink/relay-outbox.ts';
import type { UploadEars } from '../../reporter/uplink/relay-upload.ts';
import { RelayUploads } from '../../reporter/uplink/relay-uploads.ts';
import { holds } from '../support/property.ts';
import { RecordedLog } from '../support/recorded-log.ts';

const STREAM = 7;
/** Longer than any answer waits before it moves. */
const MOVED_MS = UPLOAD_PACE.afterMs + UPLOAD_PACE.spreadMs + 1;

class FakeUpload {
  readonly ears: UploadEars;
  readonly pieces: Uint8Array[] = [];
  state: 'open' | 'ended' | 'dropped' = 'open';
  hasRoom = true;
  onRead: (() => void) | undefined;

  constructor(ears: UploadEars) {
    this.ears = ears;
  }

  write(bytes: Uint8Array): boolean {
    if (this.state !== 'open') throw new Error('written to after its end');
    this.pieces.push(bytes);
    return this.hasRoom;
  }

  end(onRead: () => void): void {
    this.state = 'ended';
    this.onRead = onRead;
  }

  drop(): void {
    this.state = 'dropped';
  }

  /** As a request of Node: one that was ended tells nobody any more. */
  tellRoom(): void {
    if (this.state === 'open') this.ears.onRoom();
  }
}

/** One answer, with a hub that reads in the order that it is told. */
class Answering {
  readonly uploads: FakeUpload[] = [];
  readonly log = new RecordedLog();
  readonly policy = new RelayUploads((_stream, ears) => {
    const upload = new FakeUpload(ears);
    this.uploads.push(upload);
    return upload;
  }, this.log);
  readonly #heard: (Uint8Array | 'moved')[] = [];
  #moves = 0;
  rooms = 0;
  broken = 0;
  readonly way: AnswerWay;

  constructor() {
    const outbox = new RelayOutbox({
      sendBytes: (bytes, onFlushed) => {
        for (const record of readRecords(bytes) ?? [])
          if (record.kind === 'chunk') this.#heard.push(record.payload);
        setImmediate(onFlushed);
        return true;
      },
      bufferedBytes: () => 0,
    });
    this.way = new AnswerWay({
      stream: STREAM,
      outbox,
      uploads: this.policy,
      pace: UPLOAD_PACE,
      onRoom: () => (this.rooms += 1),
      onMoved: () => {
        this.#heard.push('moved');
        this.#moves += 1;
      },
      onBroken: () => (this.broken += 1),
    });
    this.way.flows();
  }

  get moves(): number {
    return this.#moves;
  }

  say(text: string): boolean {
    const hasRoom = this.way.push(Buffer.from(text));
    this.way.wake();
    return hasRoom;
  }

  /** Uploads that were never moved to carry nothing. */
  read(): string {
    const moved = this.uploads.filter(({ pieces }) => pieces.length > 0);
    const parts = this.#heard.flatMap((said) => (said === 'moved' ? (moved.shift()?.pieces ?? []) : [said]));
    return Buffer.concat(parts).toString();
  }

  last(): FakeUpload {
    const upload = this.uploads.at(-1);
    if (upload === undefined) throw new Error('no upload was begun');
    return upload;
  }

  /** The socket is emptied. */
  flush(): void {
    vi.advanceTimersByTime(20);
  }
}

beforeEach(() => {
  vi.useFakeTimers({
    toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'clearImmediate', 'performance'],
  });
});

afterEach(() => {
  vi.useRealTimers();
});

test('a short answer goes over the socket, and no upload is begun', () => {
  const answer = new Answering();
  answer.say('all of it');
  answer.flush();
  let isSent = false;
  answer.way.end(() => (isSent = true));
  expect(isSent).toBe(true);
  vi.advanceTimersByTime(MOVED_MS);
  expect(answer.uploads).toHaveLength(0);
  expect(answer.read()).toBe('all of it');
});

test('one that flows on moves once the hub has the upload, and not a byte before', () => {
  const answer = new Answering();
  answer.say('a');
  vi.advanceTimersByTime(MOVED_MS);
  answer.say('b');
  answer.flush();
  expect(answer.last().pieces).toEqual([]);
  answer.way.taken();
  answer.say('c');
  expect(answer.last().pieces.map(String)).toEqual(['c']);
  let isSent = false;
  answer.way.end(() => (isSent = true));
  expect(isSent).toBe(true);
  expect(answer.last().state).toBe('ended');
  expect(answer.read()).toBe('abc');
});

test('who takes no more pauses the source, on either way, and both let it go on', () => {
  const answer = new Answering();
  answer.say('x');
  vi.advanceTimersByTime(MOVED_MS);
  while (answer.say('x'.repeat(10_000))) if (answer.read().length > 1e6) throw new Error('never full');
  // What waited for the socket goes by the upload, so there is room again.
  answer.way.taken();
  expect(answer.rooms).toBe(1);
  answer.last().hasRoom = false;
  expect(answer.say('y')).toBe(false);
  answer.last().tellRoom();
  expect(answer.rooms).toBe(2);
});

test('an upload that ends while the source pauses for it lets the source go on', () => {
  const idle = new Answering();
  idle.say('x');
  vi.advanceTimersByTime(MOVED_MS);
  idle.way.taken();
  idle.last().hasRoom = false;
  expect(idle.say('y')).toBe(false);
  const before = idle.rooms;
  vi.advanceTimersByTime(UPLOAD_PACE.idleMs);
  expect(idle.last().state).toBe('ended');
  expect(idle.rooms).toBe(before + 1);

  // A source may have said more before it paused.
  const full = new Answering();
  full.say('x');
  vi.advanceTimersByTime(MOVED_MS);
  full.way.taken();
  full.last().hasRoom = false;
  expect(full.say('y')).toBe(false);
  expect(full.rooms).toBe(0);
  full.say('y'.repeat(UPLOAD_PACE.maxBytes));
  expect(full.last().state).toBe('ended');
  expect(full.rooms).toBe(1);
});

test('an upload that nobody takes is given up, and after three none is tried until there is another socket', () => {
  const first = new Answering();
  for (let round = 0; round < 3; round += 1) {
    first.way.flows();
    first.say('x');
    vi.advanceTimersByTime(MOVED_MS + UPLOAD_PACE.takenWithinMs);
    expect(first.uploads).toHaveLength(round + 1);
    expect(first.last().state).toBe('dropped');
  }
  expect(first.log.lines.filter((line) => line.includes('Uploads do not reach the hub'))).toHaveLength(1);
  first.way.flows();
  first.say('x');
  vi.advanceTimersByTime(MOVED_MS);
  expect(first.uploads).toHaveLength(3);
  first.policy.newWay();
  first.way.flows();
  first.say('x');
  vi.advanceTimersByTime(MOVED_MS);
  expect(first.uploads).toHaveLength(4);
  // Late: the hub is not told that anything moved.
  first.way.drop();
  first.way.taken();
  expect(first.moves).toBe(0);
});

test('an upload that is refused before anything moved costs nothing, one that breaks after it is told', () => {
  const refused = new Answering();
  refused.say('a');
  vi.advanceTimersByTime(MOVED_MS);
  refused.last().ears.onBroken();
  refused.way.taken();
  refused.say('b');
  refused.flush();
  expect(refused.read()).toBe('ab');
  expect(refused.broken).toBe(0);

  const broken = new Answering();
  broken.say('before');
  vi.advanceTimersByTime(MOVED_MS);
  broken.way.taken();
  broken.say('a');
  broken.last().ears.onBroken();
  expect(broken.broken).toBe(1);
});

test('an upload is ended before proxies refuse it; the next begins when the hub has passed that one on', () => {
  const answer = new Answering();
  answer.say('before');
  answer.flush();
  vi.advanceTimersByTime(MOVED_MS);
  answer.way.taken();
  const whole = 'x'.repeat(UPLOAD_PACE.maxBytes);
  expect(answer.say(whole)).toBe(true);
  const [first] = answer.uploads;
  expect(first?.state).toBe('ended');
  answer.say('between');
  vi.advanceTimersByTime(MOVED_MS);
  expect(answer.uploads).toHaveLength(1);
  first?.onRead?.();
  vi.advanceTimersByTime(MOVED_MS);
  // Not before something flows again.
  expect(answer.uploads).toHaveLength(1);
  answer.say('more');
  answer.flush();
  vi.advanceTimersByTime(MOVED_MS);
  answer.way.taken();
  answer.say('after');
  expect(answer.read()).toBe(`before${whole}betweenmoreafter`);
  answer.way.end(() => undefined);
  // The hub may be slow: whatever it says then begins nothing.
  answer.last().onRead?.();
  vi.advanceTimersByTime(MOVED_MS);
  expect(answer.uploads).toHaveLength(2);
});

test('an answer that pauses goes back to the socket, and moves again once it flows', () => {
  const answer = new Answering();
  answer.say('a');
  vi.advanceTimersByTime(MOVED_MS);
  answer.way.taken();
  vi.advanceTimersByTime(UPLOAD_PACE.idleMs - 1);
  answer.say('b');
  vi.advanceTimersByTime(UPLOAD_PACE.idleMs - 1);
  expect(answer.last().state).toBe('open');
  vi.advanceTimersByTime(1);
  expect(answer.last().state).toBe('ended');
  answer.last().onRead?.();
  vi.advanceTimersByTime(MOVED_MS);
  expect(answer.uploads).toHaveLength(1);
  answer.say('c');
  answer.flush();
  vi.advanceTimersByTime(MOVED_MS);
  expect(answer.uploads).toHaveLength(2);
  answer.way.taken();
  answer.say('d');
  expect(answer.read()).toBe('abcd');
});

test('an upload that goes on for long is ended while it flows, and the next one begins', () => {
  const answer = new Answering();
  answer.say('0');
  vi.advanceTimersByTime(MOVED_MS);
  answer.way.taken();
  let said = '0';
  while (answer.last().state === 'open') {
    answer.say('x');
    said += 'x';
    vi.advanceTimersByTime(1000);
    if (said.length > 1000) throw new Error('it never ends');
  }
  answer.last().onRead?.();
  answer.say('y');
  answer.flush();
  vi.advanceTimersByTime(MOVED_MS);
  expect(answer.uploads).toHaveLength(2);
  expect(answer.read()).toBe(`${said}y`);
});

test('every byte leaves once and in order, whatever becomes of the uploads', () => {
  const event = fc.oneof(
    fc.record({ kind: fc.constant('say' as const), size: fc.integer({ min: 1, max: 200_000 }) }),
    fc.record({
      kind: fc.constantFrom(
        'wait' as const,
        'taken' as const,
        'refused' as const,
        'read' as const,
        'room' as const,
      ),
    }),
  );
  holds(
    fc.property(fc.array(event, { maxLength: 40 }), (events) => {
      const answer = new Answering();
      let said = '';
      for (const happens of events) {
        const upload = answer.uploads.at(-1);
        switch (happens.kind) {
          case 'say': {
            const text = String(said.length % 10).repeat('size' in happens ? happens.size : 0);
            said += text;
            answer.say(text);
            answer.way.granted(text.length);
            break;
          }
          case 'wait':
            vi.advanceTimersByTime(MOVED_MS);
            break;
          case 'taken':
            answer.way.taken();
            break;
          case 'refused':
            if (
              upload?.state === 'open' &&
              upload.pieces.length === 0 &&
              answer.moves < answer.uploads.length
            )
              upload.ears.onBroken();
            break;
          case 'read':
            upload?.onRead?.();
            break;
          case 'room':
            upload?.tellRoom();
            break;
          default:
            happens satisfies never;
        }
      }
      const ended = vi.fn<() => void>();
      answer.way.end(ended);
      for (let round = 0; round < 100 && ended.mock.calls.length === 0; round += 1) {
        answer.way.granted(RELAY_WINDOW_BYTES);
        answer.flush();
      }
      expect(ended).toHaveBeenCalled();
      answer.flush();
      expect(answer.broken > 0 || answer.read() === said).toBe(true);
      answer.way.drop();
    }),
  );
});
