// The quick yes never differs from the schema library: what it takes, the library takes and gives back unchanged.

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as v from 'valibot';
import { NodeFrameSchema } from '../../contract/frames.ts';
import { SnapshotSchema } from '../../contract/snapshot.ts';
import { takesAsItStands } from '../../worker/domain/quick-check.ts';
import { goldenSnapshot } from '../support/golden.ts';
import { holds } from '../support/property.ts';
import { snapshot } from '../support/snapshot.ts';

/** What the library makes of it where the quick yes was given, else the value. */
function outcome(schema: v.GenericSchema, value: unknown): unknown {
  return takesAsItStands(schema, value) ? v.parse(schema, value) : value;
}

/** Paths of everything within a value. */
function paths(value: unknown, at: readonly string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [[...at]];
  return [[...at], ...Object.entries(value).flatMap(([key, member]) => paths(member, [...at, key]))];
}

type Container = Record<string, unknown>;

function isContainer(value: unknown): value is Container {
  return typeof value === 'object' && value !== null;
}

/** A copy in which the member at the path is another one, or gone. */
function changed(value: unknown, path: readonly string[], to: unknown): unknown {
  const copy: unknown = structuredClone(value);
  const last = path.at(-1);
  if (last === undefined) return to;
  let holder = copy;
  for (const key of path.slice(0, -1)) holder = isContainer(holder) ? holder[key] : undefined;
  if (!isContainer(holder)) return copy;
  // JSON has no list with a hole.
  if (to === undefined && Array.isArray(holder)) holder.splice(Number(last), 1);
  else if (to === undefined) delete holder[last];
  else
    Object.defineProperty(holder, last, { value: to, enumerable: true, configurable: true, writable: true });
  return copy;
}

const whole = goldenSnapshot();
const places = paths(whole);
const odd = fc.oneof(
  fc.constantFrom(
    undefined,
    null,
    '',
    ' ',
    '\u00a0',
    0,
    -1,
    0.5,
    Infinity,
    2 ** 53,
    true,
    [],
    {},
    'x'.repeat(241),
  ),
  fc.constantFrom(
    '2026-13-01T00:00:00Z',
    '2026-11-22T12:34:56.789Z',
    'ready',
    'ok',
    'gpu_cuda',
    'cpu',
    'none',
  ),
  fc.jsonValue(),
);

describe('a quick yes', () => {
  test('is given to what reporters say', () => {
    expect(takesAsItStands(SnapshotSchema, whole)).toBe(true);
    expect(takesAsItStands(SnapshotSchema, snapshot())).toBe(true);
    expect(takesAsItStands(NodeFrameSchema, { type: 'health', snapshot: snapshot() })).toBe(true);
    expect(takesAsItStands(NodeFrameSchema, { type: 'health', ack: true, snapshot: snapshot() })).toBe(true);
  });

  test('is never given to what the library refuses, whatever is wrong and wherever', () => {
    holds(
      fc.property(fc.constantFrom(...places), odd, (path, to) => {
        const value = changed(whole, path, to);
        expect(outcome(SnapshotSchema, value)).toEqual(value);
        const frame = { type: 'health', snapshot: value };
        expect(outcome(NodeFrameSchema, frame)).toEqual(frame);
      }),
    );
  });

  test('says no more often than the library only where that leaves something out', () => {
    holds(
      fc.property(fc.constantFrom(...places), odd, (path, to) => {
        const value: unknown = JSON.parse(JSON.stringify(changed(whole, path, to)) ?? 'null');
        const parsed = v.safeParse(SnapshotSchema, value);
        const isKept =
          parsed.success && JSON.stringify(sorted(parsed.output)) === JSON.stringify(sorted(value));
        expect(takesAsItStands(SnapshotSchema, value)).toBe(isKept);
      }),
    );
  });

  test.each(['__proto__', 'prototype', 'constructor'])('is not given to a member %s', (name) => {
    for (const path of [
      [name],
      ['host', name],
      ['runtime', 'states', name],
      ['runtimes', '0', 'descriptor', name],
    ]) {
      const value = changed(whole, path, 1);
      expect(takesAsItStands(SnapshotSchema, value)).toBe(false);
      expect(v.safeParse(SnapshotSchema, value).success).toBe(true);
    }
  });

  test.each<[string, v.GenericSchema, unknown]>([
    ['what is made another', v.pipe(v.string(), v.trim()), 'x'],
    ['what has a default', v.object({ x: v.optional(v.string(), 'y') }), {}],
    ['a strict object', v.strictObject({ x: v.string() }), { x: 'y' }],
    ['a pattern with a memory', v.pipe(v.string(), v.regex(/x/g)), 'x'],
    ['a list for an object', v.looseObject({ x: v.optional(v.string()) }), []],
    ['keys with a rule', v.record(v.pipe(v.string(), v.minLength(2)), v.number()), { xy: 1 }],
    ['an action that it does not know', v.pipe(v.string(), v.email()), 'a@example.org'],
  ])('is never given to %s', (_what, schema, value) => {
    expect(takesAsItStands(schema, value)).toBe(false);
    expect(v.safeParse(schema, value).success).toBe(true);
  });
});

/** The library puts the members that it knows first. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isContainer(value)) return value;
  const members = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return { members: members.map(([key, member]) => [key, sorted(member)]) };
}
