// Owns what follows when the manifest asks for something else: an operator's act, so no restart of it is spent.

import type { Decision } from './decision.ts';
import type { Variant } from './variant.ts';

/** @param variant what still applies of what commands made of it. */
export function onReplaced(d: Decision, relaunch: boolean, variant: Variant): void {
  const { phase } = d.state;
  d.state.variant = variant;
  if (!relaunch) return;
  d.state.attempt = 0;
  switch (phase.kind) {
    case 'serving':
    case 'loading':
      return d.stop(phase.pid, { kind: 'relaunch', spend: false });
    // What is on its way is the old one; `spawned` or `blocked` will find that it is outdated.
    case 'launching':
      d.state.phase = { ...phase, outdated: true };
      return;
    case 'stopping':
      if (phase.after.kind === 'count-as-failure') d.stopThen({ kind: 'relaunch', spend: false });
      return;
    // Whatever kept the old one down need not keep the new one down.
    case 'waiting':
    case 'failed':
      return d.launch(false);
    // Down on purpose: the next start launches the new one.
    case 'resting':
      return;
    default:
      return phase satisfies never;
  }
}
