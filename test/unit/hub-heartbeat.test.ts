// A heartbeat that is read by its figures alone is one that would have been taken, and been no news, after a parse.

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SnapshotSchema, type Snapshot } from '../../contract/snapshot.ts';
import { retold, toldBy, type Told } from '../../worker/domain/heartbeat.ts';
import { materialOf } from '../../worker/domain/material.ts';
import { parseText } from '../../worker/domain/parse.ts';
import { transitions } from '../../worker/domain/transitions.ts';
import { heartbeatText, parseFrame } from '../../worker/domain/uplink-frame.ts';
import { SimulatedHost } from '../bench/fleet/simulated-host.ts';
import { goldenSnapshot } from '../support/golden.ts';
import { holds } from '../support/property.ts';
import { snapshot } from '../support/snapshot.ts';

const whole = JSON.stringify(goldenSnapshot());

function told(text: string): Told {
  const found = toldBy(text);
  if (found === undefined) throw new Error(`not to be read by its figures: ${text.slice(0, 100)}`);
  return found;
}

function parsed(text: string): Snapshot {
  const result = parseText(SnapshotSchema, text);
  if (!result.ok) throw new Error(`the schema refuses it: ${result.problem.detail}`);
  return result.value;
}

/** Each figure: of which kind, from where, to where. */
function figures({ kinds, places }: Told): unknown[] {
  return kinds.map((kind, index) => [kind, ...places.slice(2 * index, 2 * index + 2)]);
}

/** What the quick reading said of the text, and what a parse says; nothing where it says nothing. */
function readings(before: string, after: string): { quick: object; whole: object } | undefined {
  const again = retold(told(before), after);
  if (again === undefined) return undefined;
  const [was, is] = [parsed(before), parsed(after)];
  const said = new Set(figures(again.told).map((figure) => JSON.stringify(figure)));
  const heard = { receivedAt: 2000, ttlSeconds: 60, transport: 'socket' as const, silentSince: undefined };
  return {
    quick: {
      seq: again.seq,
      figures: figures(again.told),
      target: was.target,
      material: materialOf(was),
      news: [],
    },
    whole: {
      seq: is.seq,
      // Where the next one is compared: what has moved of them.
      figures: figures(told(after)).filter((figure) => said.has(JSON.stringify(figure))),
      target: is.target,
      material: materialOf(is),
      news: transitions({ snapshot: was, receivedAt: 1000 }, { snapshot: is, ...heard }),
    },
  };
}

/** Each scalar of the text, as a place in it. */
const scalars = [...whole.matchAll(/"(?:[^"\\]|\\.)*"(?!:)|-?\d[\d.eE+-]*|true|false|null/g)];
const odd = fc.oneof(
  fc.nat().map(String),
  fc.double({ min: 0, max: 2, noNaN: true }).map(String),
  fc.double().map(String),
  fc.constantFrom('0', '1', '00', '01', '1.', '.5', '-0', '-1', '1e3', '1E5', '1.5', '0.5', '1.0', '1.01'),
  fc.constantFrom('9'.repeat(15), '9'.repeat(16), '1'.repeat(400), 'null', 'true', '""', '" "', '[]', '{}'),
  fc.constantFrom(
    '"2026-11-22T12:34:56.789Z"',
    '"2026-11-22T24:34:56.789Z"',
    '"2026-11-22T23:59:59.999Z"',
    '"2026-11-22T12:34:60.789Z"',
    '"2026-13-22T12:34:56.789Z"',
    '"2026-11-22T12:34:56Z"',
  ),
);

describe('a heartbeat read by its figures', () => {
  test('is what simulated hosts say, each time', () => {
    const host = new SimulatedHost('sim-1', 1, 'boot-1');
    let last = told(host.next('2026-11-22T12:00:00.000Z'));
    for (let count = 2; count < 500; count += 1) {
      const time = new Date(Date.UTC(2026, 10, 22, 12, 0, count)).toISOString();
      const text = host.next(time);
      const again = retold(last, text);
      expect(again?.seq).toBe(count);
      expect(again?.told.text).toBe(text);
      last = again?.told ?? last;
      expect(figures(told(text))).toEqual(expect.arrayContaining(figures(last)));
    }
    expect(last.kinds.length).toBeLessThan(told(last.text).kinds.length);
  });

  test('is one after any others if it is one after the last alone', () => {
    const change = fc.tuple(fc.constantFrom(...scalars), odd);
    const words = fc.array(fc.array(change, { maxLength: 3 }), { minLength: 2, maxLength: 12 });
    holds(
      fc.property(words, (changes) => {
        let last = told(whole);
        for (const of of changes) {
          const text = of
            .toSorted(([a], [b]) => b.index - a.index)
            .reduce(
              (so, [{ 0: scalar, index }, to]) => so.slice(0, index) + to + so.slice(index + scalar.length),
              whole,
            );
          const alone = retold(told(last.text), text);
          const again = retold(last, text);
          expect(again?.seq).toBe(alone?.seq);
          expect(again?.told.text).toBe(alone?.told.text);
          last = again?.told ?? last;
        }
      }),
      1000,
    );
  });

  test('is no news and would have been taken, whatever is written in a place', () => {
    holds(
      fc.property(fc.constantFrom(...scalars), odd, ({ 0: scalar, index }, to) => {
        const said = readings(whole, whole.slice(0, index) + to + whole.slice(index + scalar.length));
        expect(said?.quick).toEqual(said?.whole);
      }),
      2000,
    );
  });

  test('is no news and would have been taken, whatever is cut out, put in or doubled', () => {
    const place = fc.nat({ max: whole.length });
    holds(
      fc.property(place, place, fc.constantFrom('', ',', '}', ' ', '1', '\\', '"', 'é'), (a, b, between) => {
        const [from, to] = [Math.min(a, b), Math.min(a, b) + (Math.abs(a - b) % 40)];
        const cut = readings(whole, whole.slice(0, from) + between + whole.slice(to));
        expect(cut?.quick).toEqual(cut?.whole);
        const doubled = readings(whole, whole.slice(0, to) + between + whole.slice(from));
        expect(doubled?.quick).toEqual(doubled?.whole);
      }),
      2000,
    );
  });

  test('begins from no text that the schema would not take as it stands', () => {
    const place = fc.nat({ max: whole.length });
    holds(
      fc.property(
        place,
        fc.nat({ max: 12 }),
        fc.constantFrom('', ',', '}', '1', '"x":1,'),
        (at, cut, put) => {
          const text = whole.slice(0, at) + put + whole.slice(at + cut);
          const result = parseText(SnapshotSchema, text);
          if (!result.ok || toldBy(text) === undefined) return;
          expect(result.value).toEqual(JSON.parse(text));
        },
      ),
      2000,
    );
  });

  const plain = JSON.stringify(snapshot({ seq: 7 }));

  test.each([
    ['two numbers', plain.replace('"seq":7', '"seq":7,"seq":8')],
    ['no number', plain.replace('"seq":7', '"seq":1e1')],
    ['a name that is escaped', plain.replace('"seq":7', '"seq":7,"s\\u0065q":8')],
    ['a member that is left out', plain.replace('"seq":7', '"seq":7,"__proto__":{}')],
    ['a deep one of these', plain.replace('"cpus":2', '"cpus":2,"x":[{"constructor":1}]')],
    ['something behind it', `${plain},"ack":true`],
    ['spaces', JSON.stringify(snapshot(), null, 1)],
    [
      'more lists in lists than a stack holds',
      plain.replace('"seq":7', `"seq":7,"x":${'['.repeat(1000)}${']'.repeat(1000)}`),
    ],
  ])('is none of a text with %s', (_what, text) => {
    expect(toldBy(text)).toBeUndefined();
  });

  test.each([
    ['an echo', '"seq":7', '"seq":7', 7],
    ['a later one', '"seq":7', '"seq":1000', 1000],
    ['another load', '"load_ratio":0.4', '"load_ratio":12.25', 7],
  ])('tells the number of %s', (_what, from, to, seq) => {
    expect(retold(told(plain), plain.replace(from, to))?.seq).toBe(seq);
  });

  test.each([
    ['another start', '"boot-1"', '"boot-2"'],
    ['another node', '"gpu-01"', '"gpu-02"'],
    ['a state', '"state":"ready"', '"state":"error"'],
    ['a spent restart', '"used":0', '"used":1'],
    ['another day', '"generated":"2026-11-22', '"generated":"2026-11-23'],
    ['a ratio above 1', '"utilization_ratio":0.25', '"utilization_ratio":1.25'],
    ['a figure less', ',"utilization_ratio":0.25', ''],
    ['a figure more', '"os":"linux"', '"os":"linux","memory_used_bytes":7'],
  ])('is none with %s', (_what, from, to) => {
    expect(plain).toContain(from);
    expect(retold(told(plain), plain.replace(from, to))).toBeUndefined();
  });
});

describe('the text of a heartbeat', () => {
  const text = JSON.stringify(snapshot());

  test.each([
    ['{"type":"health","snapshot":', false],
    ['{"type":"health","ack":true,"snapshot":', true],
  ])('is found in a frame that begins as reporters begin it: %s', (beginning, wantsAck) => {
    expect(heartbeatText(`${beginning}${text}}`)).toEqual({ text, wantsAck });
    expect(parseFrame(`${beginning}${text}}`)).toMatchObject({ ok: true });
  });

  test.each([
    ['another order', `{"snapshot":${text},"type":"health"}`],
    ['another type', `{"type":"healthy","snapshot":${text}}`],
    ['no end', `{"type":"health","snapshot":${text} `],
    ['too many letters', `{"type":"health","snapshot":${' '.repeat(90_000)}${text}}`],
  ])('is not looked for in a frame with %s', (_what, message) => {
    expect(heartbeatText(message)).toBeUndefined();
  });
});
