// Owns where a request goes: the name that a client wrote, the runtimes of this node, and what is under way -> an order to
// try them in, or the reason why none can take it. Pure.

import { closest } from '../../contract/closest.ts';
import { matchModelName, mustLoad } from '../../contract/model-names.ts';
import type { Model } from '../../contract/runtime-record.ts';
import { isUp, type Routable } from './routable.ts';

/** `model` is the name that the server itself knows; undefined where the body says it already, or nobody knows better. */
export type Candidate = { runtime: Routable; model: string | undefined };

export type Routing =
  /** Best first. The next one is tried only where nothing was sent to the one before. */
  | { kind: 'candidates'; candidates: readonly [Candidate, ...Candidate[]] }
  | { kind: 'unknown-model'; closest: string[] }
  | { kind: 'model-required'; known: string[] }
  /** `runtimes` serve that name, and none of them takes work now. Empty where the node has no runtime at all. */
  | { kind: 'not-ready'; runtimes: readonly Routable[] };

type Match = Candidate & { rank: number; modelState: Model['state'] | undefined };

/** @param inflight requests that this gateway has under way, by runtime. */
export function route(
  name: string | undefined,
  runtimes: readonly Routable[],
  inflight: ReadonlyMap<string, number>,
): Routing {
  const matches = name === undefined ? runtimes.filter(isHere).map(unnamed) : bestMatches(name, runtimes);
  if (matches.length === 0) {
    if (name !== undefined) return { kind: 'unknown-model', closest: closest(name, knownNames(runtimes)) };
    return { kind: 'not-ready', runtimes: [] };
  }
  const able = matches.filter(({ runtime }) => canServe(runtime));
  // Without a name, only one answer cannot be a wrong one.
  if (name === undefined && able.length > 1) return { kind: 'model-required', known: knownNames(runtimes) };
  const [first, ...others] = able.toSorted((a, b) => order(a, b, inflight));
  if (first === undefined) return { kind: 'not-ready', runtimes: matches.map(({ runtime }) => runtime) };
  return { kind: 'candidates', candidates: [candidate(first), ...others.map(candidate)] };
}

/** The names under which a client may ask for something here, each once. */
function knownNames(runtimes: readonly Routable[]): string[] {
  return [...new Set(runtimes.flatMap(({ id, models }) => [...models.map((model) => model.id), id]))];
}

function canServe({ accepting, state, endpoint }: Routable): boolean {
  return accepting && isUp(state) && endpoint !== undefined;
}

/**
 * All that match as exactly as the most exact one: a model's own id is never taken for another one's short name. What a
 * runtime of this host has never goes elsewhere, also while that runtime is down: an endpoint on another host is asked
 * for what only it has, or by its own name.
 */
function bestMatches(name: string, runtimes: readonly Routable[]): Match[] {
  const matches = runtimes.map((runtime) => match(name, runtime)).filter((found) => found !== undefined);
  const best = Math.min(...matches.map(({ rank }) => rank));
  const exact = matches.filter(({ rank }) => rank === best);
  const here = exact.filter(({ runtime }) => isHere(runtime));
  return here.length > 0 ? here : exact;
}

function isHere({ isElsewhere }: Routable): boolean {
  return !isElsewhere;
}

function match(name: string, runtime: Routable): Match | undefined {
  const found = matchModelName(name, runtime);
  if (found === undefined) return undefined;
  const { rank, model, rest } = found;
  return {
    rank,
    runtime,
    model: model?.id === name ? undefined : (model?.id ?? rest),
    modelState: model?.state,
  };
}

function unnamed(runtime: Routable): Match {
  return { rank: 0, runtime, model: undefined, modelState: undefined };
}

function candidate({ runtime, model }: Match): Candidate {
  return { runtime, model };
}

/** Ready before degraded, loaded before what would be loaded first, then the least loaded; the id makes it decidable. */
function order(a: Match, b: Match, inflight: ReadonlyMap<string, number>): number {
  return (
    Number(a.runtime.state !== 'ready') - Number(b.runtime.state !== 'ready') ||
    Number(loadsFirst(a)) - Number(loadsFirst(b)) ||
    share(inflight.get(a.runtime.id) ?? 0, a.runtime) - share(inflight.get(b.runtime.id) ?? 0, b.runtime) ||
    share(a.runtime.reportedJobs ?? 0, a.runtime) - share(b.runtime.reportedJobs ?? 0, b.runtime) ||
    (a.runtime.id < b.runtime.id ? -1 : 1)
  );
}

function loadsFirst({ modelState }: Match): boolean {
  return modelState !== undefined && mustLoad({ state: modelState });
}

function share(jobs: number, { capacity }: Routable): number {
  return jobs / Math.max(1, capacity ?? 1);
}
