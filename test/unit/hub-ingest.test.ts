// What happens to a snapshot, when it is written, and how bad input is named.

import { describe, expect, test } from 'vitest';
import * as v from 'valibot';
import type { RuntimeRecord } from '../../contract/runtime-record.ts';
import { SnapshotSchema } from '../../contract/snapshot.ts';
import { decideIngest } from '../../worker/domain/ingest.ts';
import { isMateriallySame, materialOf, mustWrite, rewriteAfterMs } from '../../worker/domain/material.ts';
import { exceedsLimit, parseText } from '../../worker/domain/parse.ts';
import { parseFrame } from '../../worker/domain/uplink-frame.ts';
import { emptyBudget, runtimeRecord, snapshot } from '../support/snapshot.ts';

const next = (options: Parameters<typeof snapshot>[0]): { material: string; transport: string } => ({
  material: materialOf(snapshot(options)),
  transport: 'socket',
});

function changed(
  descriptor: Partial<RuntimeRecord['descriptor']>,
  status: Partial<RuntimeRecord['status']> = {},
): RuntimeRecord {
  const record = runtimeRecord({ model: 'llama' });
  return {
    descriptor: { ...record.descriptor, ...descriptor },
    status: { ...record.status, ...status },
  };
}

const counting = (count: number): string => {
  const counted = snapshot();
  counted.status.label = `Degraded - ${count} of 60 requests failed in the last 300 s (${count / 60} %)`;
  return materialOf(counted);
};

describe('the order of snapshots', () => {
  const last = { bootId: 'boot-1', seq: 5 };

  test.each([
    ['the first one', undefined, snapshot({ seq: 1 }), 'accept'],
    ['the next one', last, snapshot({ seq: 6 }), 'accept'],
    ['one after a gap', last, snapshot({ seq: 99 }), 'accept'],
    ['an echo', last, snapshot({ seq: 5 }), 'duplicate'],
    ['a late one', last, snapshot({ seq: 4 }), 'duplicate'],
    ['one of another start', last, snapshot({ bootId: 'boot-2', seq: 1 }), 'accept'],
    ['one for another node', last, snapshot({ node: 'gpu-02', seq: 6 }), 'mismatch'],
  ])('%s', (_name, before, arriving, kind) => {
    expect(decideIngest('gpu-01', before, arriving).kind).toBe(kind);
  });

  test('a mismatch names both nodes', () => {
    const decision = decideIngest('gpu-01', undefined, snapshot({ node: 'gpu-02' }));
    expect(decision).toMatchObject({
      problem: { status: 409, detail: expect.stringMatching(/gpu-01.*gpu-02/) },
    });
  });
});

describe('what is written at once', () => {
  const now = 1_000_000;
  const written = {
    material: materialOf(snapshot({ runtimes: [changed({})] })),
    transport: 'socket',
    writtenAt: now,
  };

  const heartbeat = next({ seq: 2, runtimes: [changed({}, { draining: false })] });

  test('nothing of a heartbeat, until a minute has passed', () => {
    expect(mustWrite(written, heartbeat, now + 59_999, 60_000)).toBe(false);
    expect(mustWrite(written, heartbeat, now + 60_000, 60_000)).toBe(true);
  });

  test.each([
    ['a first snapshot', undefined, {}],
    ['a state', written, { runtimes: [runtimeRecord({ state: 'error' })] }],
    ['a budget', written, { runtimes: [runtimeRecord({ budget: emptyBudget('2026-11-22T12:00:00.000Z') })] }],
    ['a model', written, { runtimes: [runtimeRecord({ model: 'other' })] }],
    [
      'a state of a model',
      written,
      { runtimes: [changed({ models: [{ id: 'llama', state: 'unloaded' }] })] },
    ],
    ['a sandbox', written, { runtimes: [changed({ sandbox: 'bwrap' })] }],
    ['a preset', written, { runtimes: [changed({ preset: 'long' })] }],
    ['a drain', written, { runtimes: [changed({}, { draining: true })] }],
    ['a runtime', written, { runtimes: [runtimeRecord(), runtimeRecord({ id: 'whisper' })] }],
    ['a start of the reporter', written, { bootId: 'boot-2' }],
  ])('%s', (_name, before, options) => {
    expect(mustWrite(before, next(options), now + 1, 60_000)).toBe(true);
    expect(isMateriallySame(snapshot({ runtimes: [changed({})] }), snapshot(options))).toBe(
      materialOf(snapshot({ runtimes: [changed({})] })) === materialOf(snapshot(options)),
    );
  });

  test('what is materially the same, told without a text, is what the texts say', () => {
    const budget = emptyBudget('2026-11-22T12:00:00.000Z');
    const some = [
      snapshot({ runtimes: [changed({})] }),
      snapshot({ seq: 2, runtimes: [changed({}, { draining: false })] }),
      snapshot({ runtimes: [changed({}, { draining: true })] }),
      snapshot({ runtimes: [changed({}, { restart_budget: budget })] }),
      snapshot({ runtimes: [changed({}, { restart_budget: { ...budget, used: 2 } })] }),
      snapshot({ runtimes: [changed({}, { state: 'error' }), runtimeRecord({ id: 'other' })] }),
      snapshot({ runtimes: [changed({ models: [] })] }),
      snapshot({ runtimes: [changed({ models: [{ id: 'llama', state: 'unloaded' }] })] }),
      snapshot({ bootId: 'boot-2', runtimes: [] }),
      { ...snapshot({ runtimes: [changed({})] }), accelerators: [] },
      { ...snapshot({ runtimes: [changed({})] }), kernel: { enabled: false } },
    ];
    for (const one of some) {
      for (const other of some) {
        // As they come over the wire: nothing is undefined there.
        const [a, b] = [one, other].map((said) => v.parse(SnapshotSchema, JSON.parse(JSON.stringify(said))));
        if (a === undefined || b === undefined) throw new Error('unreachable: there are two');
        expect(isMateriallySame(a, b)).toBe(materialOf(a) === materialOf(b));
      }
    }
  });

  test('not a label that only counts on', () => {
    expect(counting(12)).toBe(counting(13));
  });

  test('the time of a heartbeat soon enough, where nothing else carries it', () => {
    expect(rewriteAfterMs('socket', 60, 60_000)).toBe(60_000);
    expect(rewriteAfterMs('post', 60, 60_000)).toBe(30_000);
    expect(rewriteAfterMs('post', 900, 60_000)).toBe(60_000);
    expect(rewriteAfterMs('post', 10, 10_000)).toBe(5000);
  });

  test('the way, when it changes', () => {
    expect(mustWrite(written, { ...next({}), transport: 'post' }, now + 1, 60_000)).toBe(true);
  });
});

describe('bad input', () => {
  const Body = v.strictObject({ preset: v.optional(v.string()), model: v.string() });
  const Either = v.pipe(
    v.strictObject({ preset: v.optional(v.string()) }),
    v.check(({ preset }) => preset !== undefined, 'must name a preset'),
  );

  test.each<[string, v.GenericSchema, string, string]>([
    ['a key that is missing', Body, '{}', 'model: is missing'],
    [
      'a key that is not known',
      Body,
      '{"model":"a","x":1}',
      'x: is not known here; what is taken: preset, model',
    ],
    [
      'a key where none is taken',
      v.strictObject({}),
      '{"x":1}',
      'x: is not known here; leave it out: nothing is taken',
    ],
    ['a key behind a check', Either, '{"x":1}', 'x: is not known here; what is taken: preset'],
    ['a whole that is wrong', Either, '{}', 'body: must name a preset'],
  ])('says what to do about %s', (_what, schema, text, detail) => {
    expect(parseText(schema, text)).toMatchObject({ ok: false, problem: { status: 400, detail } });
  });

  test('names the path and the reason', () => {
    const wrong = { ...snapshot(), seq: 'seven' };
    expect(parseText(SnapshotSchema, JSON.stringify(wrong))).toMatchObject({
      ok: false,
      problem: { status: 400, detail: expect.stringMatching(/^seq: .*number/i) },
    });
    const deep = snapshot();
    Object.assign(deep.runtimes[0]?.status ?? {}, { state: 'sleepy' });
    const parsed = parseText(SnapshotSchema, JSON.stringify(deep));
    expect(parsed).toMatchObject({
      problem: { detail: expect.stringMatching(/^runtimes\.0\.status\.state: /) },
    });
  });

  test.each([
    ['no JSON', '{"a":', 400, 'malformed-body'],
    ['no object', '[1]', 400, 'malformed-body'],
    ['null', 'null', 400, 'malformed-body'],
    ['no type', '{"node":"x"}', 400, 'malformed-body'],
    ['an unknown type', '{"type":"tomorrow"}', 400, 'unknown-frame'],
    ['a wrong shape', '{"type":"hello"}', 400, 'malformed-body'],
    ['binary', new ArrayBuffer(3), 400, 'unknown-frame'],
    ['too large', `{"type":"hello","x":"${'x'.repeat(256 * 1024)}"}`, 413, 'body-too-large'],
  ])('a frame with %s', (_name, message, status, reason) => {
    expect(parseFrame(message)).toMatchObject({
      ok: false,
      problem: { status, type: expect.stringMatching(`:${reason}$`) },
    });
  });

  test('every detail fits into one line', () => {
    const parsed = parseText(v.string(), `{\n"a":\n${'\n'.repeat(500)}`);
    expect(parsed).toMatchObject({ problem: { detail: expect.stringMatching(/^.{1,240}$/) } });
  });

  test('the limit counts bytes, not letters', () => {
    expect(exceedsLimit('aaaa', 4)).toBe(false);
    expect(exceedsLimit('aaaaa', 4)).toBe(true);
    expect(exceedsLimit('éé', 4)).toBe(false);
    expect(exceedsLimit('ééa', 4)).toBe(true);
    expect(exceedsLimit('😀', 4)).toBe(false);
    expect(exceedsLimit('😀a', 4)).toBe(true);
    expect(exceedsLimit('\ud800', 2)).toBe(true);
  });
});
