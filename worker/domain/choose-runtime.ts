// Owns which runtime of the fleet an action goes to: the node that is named, else the least loaded ready runtime that has
// the model. It reads the last snapshots and what the hub itself has under way; the node has the last word.

import { closest } from '../../contract/closest.ts';
import { matchModelName, mustLoad, type NameMatch } from '../../contract/model-names.ts';
import { problem, type Problem } from '../../contract/problem.ts';
import type { RuntimeRecord } from '../../contract/runtime-record.ts';
import { fail, type Result } from './parse.ts';

/** What is asked for. `runtime` is given once it is decided. */
export type Wanted = { model?: string | undefined; node?: string | undefined; runtime?: string | undefined };

/** A runtime that has what is asked for, in plain data: offers of several shards are compared with each other. */
export type Offer = {
  node: string;
  runtime: string;
  backend: string;
  /** As the runtime lists it; undefined where none was named or none is known. */
  model: string | undefined;
  /** How exactly the name that was asked for fits. */
  rank: number;
  isElsewhere: boolean;
  /** Why nothing can be sent there now. */
  obstacle: Problem | undefined;
  mustLoad: boolean;
  /** Requests there, running and waiting, those of the hub since the last snapshot included; undefined where unknown. */
  jobs: number | undefined;
  capacity: number | undefined;
};

/** A node, and why nothing can be relayed to it now. */
export type NodeOffered = {
  node: string;
  runtimes: readonly RuntimeRecord[];
  obstacle: Problem | undefined;
  /** Relayed since its last snapshot, by runtime: what that cannot know of. */
  sentSince: (runtime: string) => number;
};

/** The runtimes of the node that have what is asked for, ready or not. */
export function offersOf({ node, runtimes, obstacle, sentSince }: NodeOffered, wanted: Wanted): Offer[] {
  if (wanted.node !== undefined && wanted.node !== node) return [];
  return runtimes.flatMap(({ descriptor, status }): Offer[] => {
    const { id, adapter, models = [] } = descriptor;
    if (wanted.runtime !== undefined && wanted.runtime !== id) return [];
    const fit: NameMatch | undefined =
      wanted.model === undefined ? unnamed(descriptor) : matchModelName(wanted.model, { id, models });
    if (fit === undefined) return [];
    const { capacity, inflight_jobs: running, queued_jobs: queued } = status.health ?? {};
    const isUnknown = running === undefined && queued === undefined;
    return [
      {
        node,
        runtime: id,
        backend: adapter,
        model: fit.model?.id ?? fit.rest,
        rank: fit.rank,
        isElsewhere: adapter === 'remote',
        obstacle: obstacle ?? notReady(node, { descriptor, status }),
        mustLoad: mustLoad(fit.model),
        jobs: isUnknown ? undefined : (running ?? 0) + (queued ?? 0) + sentSince(id),
        capacity,
      },
    ];
  });
}

/**
 * The best of all offers. As at a node's gateway the most exact name wins, and what a fleet has on its own hosts never goes
 * to an endpoint elsewhere, also while it is not ready.
 * @param chance from 0 to 1: equals are chosen from by it, so that not all callers meet at the first.
 */
export function choose(
  offers: readonly Offer[],
  { model, node }: Wanted,
  known: readonly string[],
  chance: number,
): Result<Offer> {
  const best = Math.min(...offers.map(({ rank }) => rank));
  const exact = offers.filter(({ rank }) => rank === best);
  const own = exact.filter(({ isElsewhere }) => !isElsewhere);
  const fitting = own.length > 0 ? own : exact;
  const [obstacle] = fitting.flatMap((offer) => offer.obstacle ?? []);
  const able = fitting.filter((offer) => offer.obstacle === undefined).toSorted(compare);
  const [first] = able;
  if (first === undefined) return fail(obstacle ?? nobody({ model, node }, known));
  const equals = able.filter((offer) => compare(offer, first) === 0);
  return { ok: true, value: equals[Math.floor(chance * equals.length)] ?? first };
}

/** What a node's gateway is asked for, so that no other runtime of that node takes it. */
export function nameAtGateway({ runtime, model }: Pick<Offer, 'runtime' | 'model'>): string {
  return model === undefined ? runtime : `${runtime}/${model}`;
}

/** Loaded before what would be loaded first, then then the smallest share of its slots. */
function compare(a: Offer, b: Offer): number {
  return Number(a.mustLoad) - Number(b.mustLoad) || share(a) - share(b);
}

function share({ jobs, capacity }: Offer): number {
  // As one that is full: whoever tells of room is asked first.
  return jobs === undefined ? 1 : jobs / Math.max(1, capacity ?? 1);
}

/** Without a name any that serves text will do, the model that it has loaded. */
function unnamed({ modalities, models = [] }: RuntimeRecord['descriptor']): NameMatch | undefined {
  if (modalities.length > 0 && !modalities.includes('text')) return undefined;
  const loaded = models.find(({ state }) => state === 'loaded');
  return { rank: 0, model: loaded ?? (models.length === 1 ? models[0] : undefined) };
}

function notReady(node: string, { descriptor, status }: RuntimeRecord): Problem | undefined {
  if (status.state === 'ready' && status.draining !== true) return undefined;
  const words = status.draining === true ? 'it drains and takes no new work' : status.summary;
  const detail = `${node}/${descriptor.id}: ${words}; ask again when it is ready`;
  return problem('runtime-not-ready', detail, { node, runtime_id: descriptor.id });
}

function nobody({ model, node }: Wanted, known: readonly string[]): Problem {
  const where = node === undefined ? 'No node' : `Node "${node}"`;
  const verb = node === undefined ? 'has' : 'does not have';
  if (model === undefined) {
    const detail = `${where} ${verb} a runtime that serves text; add one to the manifest of a node`;
    return problem('runtime-not-ready', detail);
  }
  const near = closest(model, known);
  const offered = near.length > 0 ? `closest are ${near.join(', ')}` : 'no model is known there yet';
  return problem('unknown-model', `${where} ${verb} ${JSON.stringify(model)}; ${offered}`, { closest: near });
}
