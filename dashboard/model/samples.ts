// Owns the last minutes of every node as signals: one for each, so that a heartbeat draws the lines of one node again.

import { signal, type ReadonlySignal, type Signal } from '@preact/signals';
import type { MatrixItem } from '../../contract/read-models.ts';
import { sampleOf, silence, withSample, type Samples } from '../view-model/sparkline-samples.ts';

const kept = new Map<string, Signal<Samples>>();

export function samplesOf(node: string): ReadonlySignal<Samples> {
  return signalOf(node);
}

/** A node's word. What was heard before is told again at no cost. */
export function tellSamples(item: MatrixItem): void {
  const samples = signalOf(item.target);
  const sample = sampleOf(item, Date.parse(item.received_at));
  samples.value = withSample(samples.value, sample);
}

/** From here on nothing is known of it. @param atMs by the hub's clock */
export function tellSilence(node: string, atMs: number): void {
  const samples = signalOf(node);
  samples.value = withSample(samples.value, silence(atMs));
}

export function forgetSamples(node: string): void {
  kept.delete(node);
}

function signalOf(node: string): Signal<Samples> {
  const known = kept.get(node);
  if (known !== undefined) return known;
  const made = signal<Samples>([]);
  kept.set(node, made);
  return made;
}
