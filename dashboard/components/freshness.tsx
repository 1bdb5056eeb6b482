// Owns how fresh a node is, counted down to the moment at which it counts as silent. Only its text changes each second.

import { useComputed } from '@preact/signals';
import { hubSecond } from '../model/clock.ts';
import type { FleetNode } from '../model/fleet.ts';
import { spanWords } from '../view-model/figures.ts';

export function Freshness({ node }: { node: FleetNode }) {
  const words = useComputed(() => {
    const { received_at, expires_at } = node.item.value;
    if (node.isSilent.value) return `silent for ${spanWords(hubSecond.value - Date.parse(received_at))}`;
    return `fresh for ${spanWords(Date.parse(expires_at) - hubSecond.value)}`;
  });
  /** Quarters: enough for the eye, and nothing to draw in most seconds. */
  const quarters = useComputed(() => {
    const { received_at, expires_at } = node.item.value;
    const whole = Date.parse(expires_at) - Date.parse(received_at);
    const left = Date.parse(expires_at) - hubSecond.value;
    return node.isSilent.value ? 'left-0' : `left-${Math.min(4, Math.max(1, Math.ceil((left / whole) * 4)))}`;
  });
  return (
    <span class="freshness">
      <span class={quarters} aria-hidden="true" />
      {words}
    </span>
  );
}
