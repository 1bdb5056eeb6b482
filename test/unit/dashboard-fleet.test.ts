// The fleet as the page keeps it: loaded, patched as the hub says, each node by itself, silent at its time.

import { effect } from '@preact/signals';
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import type { Matrix, MatrixItem } from '../../contract/read-models.ts';
import { snapshot } from '../support/snapshot.ts';

const NOW = Date.parse('2026-11-22T12:35:00.000Z');

type Fleet = typeof import('../../dashboard/model/fleet.ts');
let fleet: Fleet;

beforeEach(async () => {
  vi.useFakeTimers({ now: NOW });
  vi.resetModules();
  fleet = await import('../../dashboard/model/fleet.ts');
});
afterEach(() => {
  vi.useRealTimers();
});

function item(node: string, receivedMs = NOW): MatrixItem {
  return {
    ...snapshot({ node }),
    received_at: new Date(receivedMs).toISOString(),
    expires_at: new Date(receivedMs + 60_000).toISOString(),
    age_seconds: 0,
    stale: false,
    uplink: 'open',
  };
}

function matrix(items: Record<string, MatrixItem>, version = 1): Matrix {
  const updated = new Date(NOW).toISOString();
  return { items, ttl_seconds: 60, updated, version, versions: { '0': version } };
}

function patch(base: number, ...operations: [op: 'add' | 'replace', path: string, value: unknown][]) {
  return {
    id: 'runtime_matrix' as const,
    shard: '0',
    base,
    version: base + 1,
    patch: operations.map(([op, path, value]) => ({ op, path, value })),
  };
}

/** How often each node was drawn, once for the first time included. */
function drawings(names: string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) {
    const end = effect(() => {
      if (fleet.nodeOf(name)?.item.value !== undefined) counts[name] = (counts[name] ?? 0) + 1;
    });
    onTestFinished(end);
  }
  return counts;
}

test('a patch of one node draws one node', () => {
  fleet.load(matrix({ a: item('a'), b: item('b') }));
  const counts = drawings(['a', 'b']);

  expect(
    fleet.applyPatch(patch(1, ['replace', '/items/a/seq', 9], ['replace', '/items/a/uplink', 'closed'])),
  ).toBe(true);
  expect(counts).toEqual({ a: 2, b: 1 });
  expect(fleet.nodeOf('a')?.item.value).toMatchObject({ seq: 9, uplink: 'closed' });
});

test('a load that brings nothing new draws nothing, whatever the ages are', () => {
  fleet.load(matrix({ a: item('a'), b: item('b') }));
  const counts = drawings(['a', 'b']);
  const names = fleet.nodeNames.value;

  fleet.load(matrix({ a: { ...item('a'), age_seconds: 3 }, b: { ...item('b'), seq: 2 } }, 2));
  expect(counts).toEqual({ a: 1, b: 2 });
  expect(fleet.nodeNames.value).toBe(names);
});

test('nodes come and go', () => {
  fleet.load(matrix({ 'gpu-10': item('gpu-10'), 'gpu-9': item('gpu-9') }));
  expect(fleet.nodeNames.value).toEqual(['gpu-9', 'gpu-10']);

  expect(fleet.applyPatch(patch(1, ['add', '/items/cpu-1', item('cpu-1')]))).toBe(true);
  const removal = { ...patch(2), patch: [{ op: 'remove' as const, path: '/items/gpu-9' }] };
  expect(fleet.applyPatch(removal)).toBe(true);
  expect(fleet.nodeNames.value).toEqual(['cpu-1', 'gpu-10']);
});

test('what does not fit changes nothing and asks for a load', () => {
  fleet.load(matrix({ a: item('a') }));
  const before = fleet.nodeOf('a')?.item.value;

  expect(fleet.applyPatch(patch(7, ['replace', '/items/a/seq', 9]))).toBe(false);
  expect(fleet.applyPatch(patch(1, ['replace', '/items/other/seq', 9]))).toBe(false);
  // It would be no node any more.
  expect(fleet.applyPatch(patch(1, ['replace', '/items/a/status', 'fine']))).toBe(false);
  expect(fleet.nodeOf('a')?.item.value).toBe(before);
  // Contained already.
  expect(fleet.applyPatch(patch(0, ['replace', '/items/a/seq', 9]))).toBe(true);
  expect(fleet.nodeOf('a')?.item.value).toBe(before);
});

test('a node is silent at its time, though nobody says so, and until it is heard again', () => {
  fleet.load(matrix({ a: item('a') }));
  const told: string[] = [];
  fleet.watchNodes({
    heard: ({ target, seq }) => void told.push(`${target} said ${seq}`),
    silent: (node, sinceMs) => void told.push(`${node} silent ${(sinceMs - NOW) / 1000} s later`),
    gone: (node) => void told.push(`${node} gone`),
  });
  const isSilent = (): boolean | undefined => fleet.nodeOf('a')?.isSilent.value;

  vi.advanceTimersByTime(59_750);
  expect(isSilent()).toBe(false);
  vi.advanceTimersByTime(250);
  expect(isSilent()).toBe(true);
  fleet.applyPatch(
    patch(
      1,
      ['replace', '/items/a/seq', 2],
      ['replace', '/items/a/received_at', new Date(NOW + 60_000).toISOString()],
      ['replace', '/items/a/expires_at', new Date(NOW + 120_000).toISOString()],
    ),
  );
  expect(isSilent()).toBe(false);
  fleet.load(matrix({}, 3));
  expect(told).toEqual(['a silent 60 s later', 'a said 2', 'a gone']);
});

test('an answer is behind where a patch has led further, and not for a shard that nobody patches', () => {
  fleet.load(matrix({ a: item('a') }));
  expect(fleet.applyPatch(patch(1, ['replace', '/items/a/seq', 9]))).toBe(true);
  expect(fleet.isBehind(matrix({ a: item('a') }, 1))).toBe(true);
  expect(fleet.isBehind(matrix({ a: item('a') }, 2))).toBe(false);
  expect(fleet.isBehind({ ...matrix({ a: item('a') }, 1), versions: { '1': 1 } })).toBe(false);
});
