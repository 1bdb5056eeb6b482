// Owns every decision about one runtime: (state, event, now) -> (state, effects). Nothing here acts or reads a clock.

import { setBudget, switchVariant } from './adjust.ts';
import { Decision } from './decision.ts';
import { drain, undrain } from './drain.ts';
import { onAdopted, onBlocked, onExited, onObserved, onSpawned, onTimer } from './news.ts';
import type { Effect, Policy, RuntimeEvent, RuntimeState } from './state.ts';
import { bringUp, restart, shutDown } from './wishes.ts';

export type Step = { state: RuntimeState; effects: Effect[] };

export function step(state: RuntimeState, event: RuntimeEvent, nowMs: number, policy: Policy): Step {
  const decision = new Decision(state, nowMs, policy);
  decide(decision, event);
  return { state: decision.state, effects: decision.effects };
}

function decide(d: Decision, event: RuntimeEvent): void {
  switch (event.kind) {
    case 'start':
      return bringUp(d, event);
    case 'restore':
      return event.restart ? restart(d, event) : bringUp(d, event);
    case 'shutdown':
      return shutDown(d, event);
    case 'drain':
      return drain(d, event);
    case 'undrain':
      return undrain(d, event.operation);
    case 'switch':
      return switchVariant(d, event);
    case 'budget':
      return setBudget(d, event.operation, event.rule);
    case 'timer':
      return onTimer(d, event.timer);
    case 'adopted':
      return onAdopted(d, event.pid, event.startedAtMs, event.variant);
    case 'spawned':
    case 'blocked':
    case 'exited':
    case 'observed':
      // Late news of an earlier child must not touch the present one.
      if (event.launch !== d.state.launch) return;
      if (event.kind === 'spawned') return onSpawned(d, event.pid);
      if (event.kind === 'blocked') return onBlocked(d, event.reasons);
      if (event.kind === 'exited') return onExited(d, event.exit, event.reason, event.jitter);
      return onObserved(d, event.observation);
    default:
      return event satisfies never;
  }
}
