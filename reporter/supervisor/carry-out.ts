// Owns how an operator's command becomes an event of one runtime, or a refusal that says what to do instead.

import type { Act } from '../../contract/command.ts';
import { failure } from './decision.ts';
import type { RuntimeLoop } from './runtime-loop.ts';
import type { Outcome } from './state.ts';
import type { Variant } from './variant.ts';

const DRAIN_TIMEOUT_SECONDS = 300;

/** Resolves with how it ended, however long that takes. */
export async function carryOut(loop: RuntimeLoop, id: string, act: Act): Promise<Outcome> {
  switch (act.kind) {
    case 'start':
    case 'undrain':
      return loop.operate({ kind: act.kind, operation: { id, kind: act.kind } });
    case 'shutdown':
      return loop.operate({ kind: 'shutdown', operation: { id, kind: 'shutdown' }, lasting: true });
    case 'restore': {
      const { restart = true, force = false, preset } = act.args;
      const variant = variantOf({ preset });
      const fault = presetFault(loop, preset);
      if (fault !== undefined) return fault;
      return loop.operate({ kind: 'restore', operation: { id, kind: 'restore' }, restart, force, variant });
    }
    case 'switch': {
      const wish = variantOf(act.args);
      // The preset last: another manifest may come while the sandbox is looked at.
      const fault = (await sandboxFault(loop, loop.effective(wish))) ?? presetFault(loop, act.args.preset);
      if (fault !== undefined) return fault;
      return loop.operate({
        kind: 'switch',
        operation: { id, kind: 'switch', note: { ...act.args } },
        variant: loop.effective(wish),
      });
    }
    case 'drain': {
      const { then: after = 'hold', timeout_seconds: limitSeconds = DRAIN_TIMEOUT_SECONDS } = act.args;
      return loop.operate({
        kind: 'drain',
        operation: { id, kind: 'drain' },
        after,
        limitMs: limitSeconds * 1000,
      });
    }
    case 'budget': {
      const { max_restarts: maxRestarts, window_seconds: windowSeconds } = act.args;
      const rule = {
        ...(maxRestarts !== undefined && { maxRestarts }),
        ...(windowSeconds !== undefined && { windowMs: windowSeconds * 1000 }),
      };
      return loop.operate({ kind: 'budget', operation: { id, kind: 'budget' }, rule });
    }
    case 'load':
    case 'unload':
      return loop.controlModel(act.kind, act.args.model);
    default:
      return act satisfies never;
  }
}

function variantOf({
  preset,
  sandbox,
}: {
  preset?: string | undefined;
  sandbox?: Variant['sandbox'] | undefined;
}): Variant {
  return { ...(preset !== undefined && { preset }), ...(sandbox !== undefined && { sandbox }) };
}

function presetFault(loop: RuntimeLoop, preset: string | undefined): Outcome | undefined {
  const { presets, descriptor } = loop.backend;
  if (preset === undefined || presets.includes(preset)) return undefined;
  const known = presets.join(', ') || 'none';
  return failure('unknown-preset', `${descriptor.id} has no preset "${preset}" (it has: ${known})`);
}

/** Asked before the running child is stopped: a sandbox that cannot be had must not cost a model that serves. */
async function sandboxFault(loop: RuntimeLoop, { sandbox }: Variant): Promise<Outcome | undefined> {
  if (sandbox === undefined) return undefined;
  const faults = await loop.sandboxFaults(sandbox);
  return faults.length === 0 ? undefined : failure('blocked', faults.join('; '));
}
