// Patches of read models: what they do here is what the library does, and what they do not touch stays what it was.

import * as fc from 'fast-check';
import { applyPatch, createPatch } from 'rfc6902';
import { describe, expect, test } from 'vitest';
import * as v from 'valibot';
import { PatchOperationSchema } from '../../contract/events.ts';
import { keepSame, patchedAt, PatchMismatch, tokensOf } from '../../dashboard/view-model/patch.ts';
import { patchOrder } from '../../dashboard/view-model/patch-order.ts';

/** A member of that name is no data to either side, at any depth. */
const json = fc
  .jsonValue({ maxDepth: 4 })
  .filter((value) => !JSON.stringify(value).includes('__proto__'))
  .map((value) => structuredClone(value));
const member = fc.string({ unit: 'grapheme', maxLength: 3 }).filter((name) => name !== '__proto__');
const document = fc.dictionary(member, json, { noNullPrototype: true });

test('any value becomes any other one, and neither it nor what is equal is touched', () => {
  fc.assert(
    fc.property(document, document, (before, after) => {
      const untouched = structuredClone(before);
      const operations = v.parse(v.array(PatchOperationSchema), createPatch(before, after));
      const patched = operations.reduce<unknown>(
        (value, operation) => patchedAt(value, tokensOf(operation.path), operation),
        before,
      );

      expect(patched).toEqual(after);
      expect(before).toEqual(untouched);
      const byLibrary = structuredClone(before);
      applyPatch(byLibrary, operations);
      expect(patched).toEqual(byLibrary);
    }),
  );
});

test('a member that no operation names is the same object after it', () => {
  const kept = { id: 'a' };
  const host = { cpus: 4 };
  const before = { runtimes: [kept, { id: 'b' }], host };
  const after = patchedAt(before, ['runtimes', '1', 'id'], { op: 'replace', path: '', value: 'c' });

  expect(after).toEqual({ runtimes: [{ id: 'a' }, { id: 'c' }], host: { cpus: 4 } });
  expect(Object(after).host).toBe(host);
  expect(Object(after).runtimes[0]).toBe(kept);
});

describe('a patch for another document is refused', () => {
  test.each([
    ['replace', '/missing', 1],
    ['remove', '/missing', undefined],
    ['add', '/missing/below', 1],
    ['add', '/text/below', 1],
    ['replace', '/list/2', 1],
    ['add', '/list/3', 1],
    ['remove', '/list/-', undefined],
    ['replace', '/list/01', 1],
    ['add', '/__proto__/polluted', 1],
    ['add', '/constructor', 1],
    ['add', 'list', 1],
  ])('%s %s', (op, path, value) => {
    const operation = v.parse(PatchOperationSchema, { op, path, value });
    expect(() => patchedAt({ text: 'a', list: [1, 2] }, tokensOf(path), operation)).toThrow(PatchMismatch);
  });
});

test('what was read again keeps what is equal', () => {
  fc.assert(
    fc.property(json, json, (before, after) => {
      expect(keepSame(before, after)).toEqual(after);
      expect(keepSame(before, structuredClone(before))).toBe(before);
    }),
  );
});

test.each([
  [{ '0': 4 }, { shard: '0', base: 4, version: 5 }, 'next'],
  [{ '0': 4 }, { shard: '0', base: 3, version: 4 }, 'contained'],
  [{ '0': 4 }, { shard: '0', base: 5, version: 6 }, 'missing'],
  [{ '0': 4 }, { shard: '1', base: 0, version: 1 }, 'next'],
  // The shard restarted and counts from the beginning.
  [{ '0': 4 }, { shard: '0', base: 0, version: 7 }, 'missing'],
])('%j, then %j: %s', (versions, patch, order) => {
  expect(patchOrder(versions, patch)).toBe(order);
});
