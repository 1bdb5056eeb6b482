// The binary messages of the uplink: what is written is read, in whatever pieces bodies are cut and streams are mixed, and
// nothing that is no message is taken for one.

import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  readRecords,
  recordBytes,
  RELAY_CHUNK_MAX_BYTES,
  writeRecords,
  type RelayRecord,
} from '../../contract/relay-records.ts';
import { holds } from '../support/property.ts';

const stream = fc.integer({ min: 1, max: 2 ** 32 - 1 });
const record: fc.Arbitrary<RelayRecord> = fc.oneof(
  fc.record({
    kind: fc.constant('chunk' as const),
    stream,
    payload: fc.uint8Array({ maxLength: 300 }),
    isLast: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant('credit' as const),
    stream,
    bytes: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  }),
  fc.constant({ kind: 'probe' as const }),
  fc.constant({ kind: 'alive' as const }),
);

test('what is written is read again, and takes the bytes that were counted', () => {
  holds(
    fc.property(fc.array(record), (records) => {
      const message = writeRecords(records);
      expect(message.byteLength).toBe(records.reduce((sum, each) => sum + recordBytes(each), 0));
      expect(readRecords(message)).toEqual(records);
    }),
  );
});

test('bodies arrive whole in whatever pieces they are cut, and however their streams are mixed', () => {
  const pieces = fc.array(
    fc.record({ stream: fc.integer({ min: 1, max: 4 }), payload: fc.uint8Array({ maxLength: 64 }) }),
    { maxLength: 40 },
  );
  holds(
    fc.property(pieces, fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 40 }), (all, perMessage) => {
      const sent = new Map<number, number[]>();
      const received = new Map<number, number[]>();
      const left = all.map((piece): RelayRecord => ({
        kind: 'chunk',
        ...piece,
        isLast: piece.payload.length === 0,
      }));
      for (const { stream: name, payload } of all) sent.set(name, [...(sent.get(name) ?? []), ...payload]);
      for (let turn = 0; left.length > 0; turn += 1) {
        const message = writeRecords(left.splice(0, perMessage[turn] ?? 1));
        // As a part of a larger buffer, which is how sockets hand messages over.
        const within = new Uint8Array(message.byteLength + 7).subarray(3, 3 + message.byteLength);
        within.set(message);
        for (const read of readRecords(within) ?? []) {
          if (read.kind !== 'chunk') continue;
          received.set(read.stream, [...(received.get(read.stream) ?? []), ...read.payload]);
        }
      }
      expect(received).toEqual(sent);
    }),
  );
});

test('a message that is cut anywhere but between two records is none', () => {
  holds(
    fc.property(fc.array(record, { minLength: 1, maxLength: 6 }), fc.nat(), (records, place) => {
      const message = writeRecords(records);
      const at = place % message.byteLength;
      const whole = records.map((_, index) => writeRecords(records.slice(0, index)).byteLength);
      const read = readRecords(message.subarray(0, at));
      expect(read === undefined).toBe(!whole.includes(at));
    }),
  );
});

test('noise is never an error, only no message or records of it', () => {
  holds(
    fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
      const read = readRecords(noise) ?? [];
      expect(read.every(({ kind }) => ['chunk', 'credit', 'probe', 'alive'].includes(kind))).toBe(true);
    }),
  );
});

test('a kind of a newer peer is skipped, and the longest chunk fits the length', () => {
  const payload = new Uint8Array(RELAY_CHUNK_MAX_BYTES).fill(7);
  const known = writeRecords([{ kind: 'chunk', stream: 9, payload, isLast: true }]);
  const unknown = Uint8Array.from([99, 0, 0, 2, 0, 0, 0, 1, 5, 5]);
  const message = new Uint8Array([...unknown, ...known]);
  expect(readRecords(message)).toEqual([{ kind: 'chunk', stream: 9, payload, isLast: true }]);
});
