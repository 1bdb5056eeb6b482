// Owns what follows from an operator's wish: start, restore, shutdown, in every phase.

import { BRINGS_UP, failure, type Decision } from './decision.ts';
import type { Operation } from './state.ts';
import { sameVariant, withWish, type Variant } from './variant.ts';

/** Why a drain ended: whoever restarts a runtime wants it to work. A start alone leaves it draining. */
const SHUT_DOWN = 'A shutdown was asked for meanwhile';
const RESTARTED = 'A restart was asked for meanwhile';

type Wish = { operation: Operation; force?: boolean; variant?: Variant };

export function bringUp(d: Decision, wish: Wish): void {
  const { phase } = d.state;
  const { operation } = wish;
  switch (phase.kind) {
    case 'serving':
      d.state.wanted = 'up';
      return d.settle(operation, { ok: true, result: { state: 'ready', already_running: true } });
    case 'launching':
    case 'loading':
      d.want('up', operation);
      return;
    case 'stopping':
      d.takeVariant(wish);
      d.want('up', operation);
      if (phase.after.kind === 'rest') d.stopThen({ kind: 'relaunch', spend: false });
      return;
    case 'resting':
      d.takeVariant(wish);
      d.want('up', operation);
      return d.launch(false);
    // A crashed runtime that is started again is a restart, by whatever name it is asked for.
    case 'waiting':
    case 'failed':
      return restart(d, wish);
    default:
      return phase satisfies never;
  }
}

export function restart(d: Decision, wish: Wish): void {
  const { phase } = d.state;
  const { operation } = wish;
  const otherVariant = !sameVariant(withWish(d.state.variant, wish.variant), d.state.variant);
  const underWay =
    phase.kind === 'launching' ||
    (phase.kind === 'stopping' && phase.after.kind === 'relaunch') ||
    (phase.kind === 'loading' &&
      !otherVariant &&
      d.state.pending.some((pending) => pending.kind !== 'shutdown'));
  const free = phase.kind === 'waiting' && !phase.spend;
  if (!underWay && wish.force !== true && !free && d.remaining() === 0) {
    return d.settle(operation, d.exhausted());
  }
  d.takeVariant(wish);
  d.endDrain(RESTARTED);
  d.want('up', operation);
  if (underWay) return;
  switch (phase.kind) {
    case 'serving':
    case 'loading':
      return d.stop(phase.pid, { kind: 'relaunch', spend: true });
    case 'stopping':
      return d.stopThen({ kind: 'relaunch', spend: true });
    case 'waiting':
      return d.launch(phase.spend);
    case 'resting':
    case 'failed':
      return d.launch(true);
    default:
      return phase satisfies never;
  }
}

export function shutDown(d: Decision, wish: { operation: Operation; lasting: boolean }): void {
  const { phase } = d.state;
  d.settleAll(BRINGS_UP, failure('superseded', SHUT_DOWN));
  if (wish.lasting) d.endDrain(SHUT_DOWN);
  else d.giveUpDrain(SHUT_DOWN);
  if (wish.lasting) d.state.keptDown = true;
  d.want('down', wish.operation);
  switch (phase.kind) {
    case 'serving':
    case 'loading':
      return d.stop(phase.pid, { kind: 'rest' });
    case 'stopping':
      return d.stopThen({ kind: 'rest' });
    // The child is about to exist; `spawned` or `blocked` will find that it is not wanted.
    case 'launching':
      return;
    case 'waiting':
    case 'failed':
    case 'resting':
      return d.rest();
    default:
      return phase satisfies never;
  }
}
