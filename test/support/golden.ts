// Owns reading the golden payloads: a fresh copy each time, so that a test may change what it got.

import { readFileSync } from 'node:fs';
import * as v from 'valibot';
import { SnapshotSchema, type Snapshot } from '../../contract/snapshot.ts';

export type GoldenName = 'reference-matrix' | 'snapshot' | 'frames' | 'signed-command';

export function goldenText(name: GoldenName): string {
  return readFileSync(new URL(`../fixtures/golden/${name}.json`, import.meta.url), 'utf8');
}

export function golden(name: GoldenName): unknown {
  return JSON.parse(goldenText(name));
}

export function goldenSnapshot(): Snapshot {
  return v.parse(SnapshotSchema, golden('snapshot'));
}
