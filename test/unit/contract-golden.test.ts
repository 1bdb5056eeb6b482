// The golden payloads against the schemas and against the functions that derive them.

import { expect, test } from 'vitest';
import * as v from 'valibot';
import { HubFrameSchema, NODE_FRAME_TYPES, NodeFrameSchema } from '../../contract/frames.ts';
import { CommandSchema } from '../../contract/command.ts';
import { MatrixItemSchema } from '../../contract/read-models.ts';
import { deriveNodeStatus, rollUp } from '../../contract/rollup.ts';
import {
  NodeStatusSchema,
  RuntimeRollupSchema,
  SNAPSHOT_MAX_BYTES,
  SnapshotSchema,
} from '../../contract/snapshot.ts';
import { statusFromReasons } from '../../contract/status.ts';
import { golden, goldenSnapshot, goldenText } from '../support/golden.ts';

const Reference = v.object({
  items: v.object({ local: v.object({ status: NodeStatusSchema, runtime: RuntimeRollupSchema }) }),
  ttl_seconds: v.number(),
});
const Frames = v.object({ node_to_hub: v.array(v.unknown()), hub_to_node: v.array(v.unknown()) });

const FROM_THE_FUTURE = 'from_the_future';
/** Maps from a name to a text or a count, or to objects: what is added to them is a name, not a field. */
const MAPS = new Set(['tags', 'states', 'severity', 'by_accelerator']);

/** A field of a newer peer in every object: what a reader must carry or ignore, never refuse. */
function withUnknownFields(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withUnknownFields);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, inner]): [string, unknown] => {
    const isMap = MAPS.has(key) && typeof inner === 'object' && inner !== null;
    return [key, isMap ? mapValues(inner) : withUnknownFields(inner)];
  });
  return Object.fromEntries([...entries, [FROM_THE_FUTURE, { nested: [1, 'x'] }]]);
}

function mapValues(map: object): object {
  return Object.fromEntries(Object.entries(map).map(([name, inner]) => [name, withUnknownFields(inner)]));
}

test('the reference payload is what a nominal node is told as', () => {
  const { local } = v.parse(Reference, golden('reference-matrix')).items;

  expect(statusFromReasons([])).toEqual(local.status);
  expect(rollUp([], local.runtime.updated).updated).toBe(local.runtime.updated);
});

test('the golden snapshot passes its schema unchanged', () => {
  expect(v.parse(SnapshotSchema, golden('snapshot'))).toEqual(golden('snapshot'));
});

test('the golden snapshot survives JSON and stays far below the limit of a frame', () => {
  const text = JSON.stringify(v.parse(SnapshotSchema, golden('snapshot')));
  expect(JSON.parse(text)).toEqual(golden('snapshot'));
  expect(Buffer.byteLength(goldenText('snapshot'))).toBeLessThan(SNAPSHOT_MAX_BYTES / 10);
});

test('status and rollup of the golden snapshot are derived from its records', () => {
  const { runtimes, runtime, status, http, generated } = goldenSnapshot();

  expect(rollUp(runtimes, generated)).toEqual(runtime);
  expect(deriveNodeStatus({ supervisorEnabled: true, records: runtimes, http })).toEqual(status);
});

test('fields that a newer peer sends are kept at every level', () => {
  const newer = withUnknownFields(golden('snapshot'));
  expect(v.parse(SnapshotSchema, newer)).toEqual(newer);
});

test('a snapshot with its freshness is an item of the matrix, with and without its runtimes', () => {
  const freshness = {
    received_at: '2026-11-22T12:34:56.900Z',
    expires_at: '2026-11-22T12:35:56.900Z',
    age_seconds: 0.1,
    stale: false,
    uplink: 'open',
  };
  const { runtimes, accelerators, ...summary } = goldenSnapshot();

  expect(v.is(MatrixItemSchema, { ...summary, runtimes, accelerators, ...freshness })).toBe(true);
  expect(v.is(MatrixItemSchema, { ...summary, ...freshness })).toBe(true);
  expect(v.is(MatrixItemSchema, { ...summary, runtimes })).toBe(false);
});

test('every frame of either way passes, also with fields of a newer peer', () => {
  const frames = v.parse(Frames, golden('frames'));
  for (const frame of frames.node_to_hub) {
    expect(v.parse(NodeFrameSchema, frame)).toEqual(frame);
    expect(v.is(NodeFrameSchema, { ...Object(frame), from_the_future: 1 })).toBe(true);
  }
  for (const frame of frames.hub_to_node) {
    expect(v.parse(HubFrameSchema, frame)).toEqual(frame);
    expect(v.is(HubFrameSchema, { ...Object(frame), from_the_future: 1 })).toBe(true);
  }
  const health = { type: 'health', ack: true, snapshot: golden('snapshot') };
  expect(v.parse(NodeFrameSchema, health)).toEqual(health);
});

test('the list of frame types names exactly those that pass', () => {
  const Typed = v.object({ type: v.string() });
  const seen = v.parse(Frames, golden('frames')).node_to_hub.map((frame) => v.parse(Typed, frame).type);
  expect(new Set([...seen, 'health'])).toEqual(new Set(NODE_FRAME_TYPES));
});

test.each([
  ['a type that nobody knows', { type: 'telepathy' }],
  ['no type', { node: 'gpu-01' }],
  ['a hello without a boot', { type: 'hello', node: 'gpu-01', reporter: { version: '1' } }],
  ['a node id that is a path', { type: 'hello', node: '../x', boot_id: 'b', reporter: { version: '1' } }],
  ['a failure without its error', { type: 'command.done', id: 'x', ok: false }],
  ['an outcome that is neither', { type: 'command.done', id: 'x' }],
])('a frame with %s is refused', (_what, frame) => {
  expect(v.is(NodeFrameSchema, frame)).toBe(false);
});

test('the signed command passes and keeps its signature', () => {
  const { command } = v.parse(v.object({ command: v.unknown() }), golden('signed-command'));
  expect(v.parse(CommandSchema, command)).toEqual(command);
});
