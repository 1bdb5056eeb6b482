// Owns loading and unloading a model of a router: is it there, is there anything to do, and how did it end.

import type { Outcome } from '../supervisor/state.ts';
import type { ModelControl } from './backend.ts';
import { closest } from '../../contract/closest.ts';
import { look, type HttpLook } from './http-probe.ts';
import { readRouterModels, type RouterModel } from './llama-router-bodies.ts';

export type RouterAddress = { origin: string; headers: Record<string, string>; timeoutMs: number };

export type ModelControlOptions = {
  /** Where the router is now. */
  address: () => RouterAddress;
  /** How long a model may take to load. */
  loadLimitSeconds: number | undefined;
  /** A model is down because it was asked to be, and the router lists it as failed. */
  onUnloaded: (model: string) => void;
};

/** As for a launch: a model may have to come from a slow disk. */
const LOAD_LIMIT_SECONDS = 600;

/** A load is watched closely, so that its end is told at once. */
const WATCH_EVERY_MS = 100;
/** A router gives a model 10 s to end and kills it then. */
const UNLOAD_LIMIT_MS = 60_000;

export function routerModelControl({
  address,
  loadLimitSeconds,
  onUnloaded,
}: ModelControlOptions): ModelControl {
  const loadLimitMs = (loadLimitSeconds ?? LOAD_LIMIT_SECONDS) * 1000;
  return {
    load: (model, signal) => change(address(), model, LOAD, loadLimitMs, signal),
    async unload(wanted, signal) {
      const outcome = await change(address(), wanted, UNLOAD, UNLOAD_LIMIT_MS, signal);
      if (!outcome.ok) return outcome;
      const { model, state } = outcome.result;
      // One that is unloaded while it loads is listed as failed, and is what was asked for.
      if (typeof model === 'string' && state === 'failed') onUnloaded(model);
      return { ok: true, result: { ...outcome.result, state: 'unloaded' } };
    },
  };
}

type Change = {
  path: string;
  /** `started`: it was asked for, or is under way already. */
  judge(model: RouterModel, started: boolean): 'done' | 'under-way' | 'to-do' | 'failed';
  words: string;
};

const LOAD: Change = {
  path: '/models/load',
  words: 'loaded',
  judge({ state }, started) {
    if (state === 'loaded' || state === 'sleeping') return 'done';
    if (state === 'loading' || state === 'downloading') return 'under-way';
    return started ? 'failed' : 'to-do';
  },
};

const UNLOAD: Change = {
  path: '/models/unload',
  words: 'unloaded',
  judge({ state }, started) {
    if (state === 'unloaded' || state === 'failed') return 'done';
    return started ? 'under-way' : 'to-do';
  },
};

async function change(
  at: RouterAddress,
  wanted: string,
  kind: Change,
  limitMs: number,
  signal: AbortSignal,
): Promise<Outcome> {
  const limit = AbortSignal.timeout(limitMs);
  const ended = AbortSignal.any([signal, limit]);
  let started = false;
  for (;;) {
    const found = await find(at, wanted, ended);
    if (ended.aborted) return outOfTime(wanted, kind, limitMs, signal);
    if ('outcome' in found) return found.outcome;
    const { model } = found;
    const verdict = kind.judge(model, started);
    if (verdict === 'done') return done(model, !started);
    if (verdict === 'failed') return failedToLoad(model);
    if (verdict === 'to-do') {
      const refused = await request(at, kind, model.id, limitMs, ended);
      if (refused !== undefined && !ended.aborted) return refused;
    }
    started = true;
    await pause(ended);
  }
}

/** The model as the router lists it now, or why it cannot be acted on. */
async function find(
  { origin, headers, timeoutMs }: RouterAddress,
  wanted: string,
  signal: AbortSignal,
): Promise<{ model: RouterModel } | { outcome: Outcome }> {
  const list = readRouterModels(await look(`${origin}/models`, { headers, timeoutMs, signal }));
  if (list.kind === 'unknown') {
    return { outcome: failure('unreachable', `The router's models are unknown (${list.reason}); try again`) };
  }
  const model = list.value.find(({ id, aliases }) => id === wanted || aliases.includes(wanted));
  if (model !== undefined) return { model };
  const offered = closest(
    wanted,
    list.value.map(({ id }) => id),
  );
  const has = offered.length === 0 ? 'it has none' : `the closest of its models: ${offered.join(', ')}`;
  return { outcome: failure('unknown-model', `There is no model "${wanted}"; ${has}`) };
}

/** Asks the router; undefined where it accepts, or where what is asked for is under way already. */
async function request(
  { origin, headers }: RouterAddress,
  { path, words }: Change,
  model: string,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Outcome | undefined> {
  const answer = await look(`${origin}${path}`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify({ model }),
    timeoutMs,
    signal,
  });
  if (answer.kind === 'answer' && answer.status === 200) return undefined;
  // Somebody else was first.
  if (answer.kind === 'answer' && /already|not running|not loaded/.test(answer.body)) return undefined;
  return failure('refused', `Model ${model} was not ${words}: ${refusalOf(answer)}`);
}

function refusalOf(answer: HttpLook): string {
  if (answer.kind !== 'answer') return answer.reason;
  const message = /"message"\s*:\s*"([^"]+)"/.exec(answer.body)?.[1];
  return message === undefined ? `HTTP ${answer.status}` : `${message} (HTTP ${answer.status})`;
}

function done({ id, state, context }: RouterModel, already: boolean): Outcome {
  return {
    ok: true,
    result: { model: id, state, ...(context !== undefined && { context }), ...(already && { already }) },
  };
}

function failedToLoad({ id, state, exitCode }: RouterModel): Outcome {
  if (state !== 'failed') return failure('load-failed', `Model ${id} was unloaded again while it loaded`);
  const exit = exitCode === undefined ? '' : ` (exit code ${exitCode})`;
  return failure('load-failed', `Model ${id} failed to load${exit}; the runtime's log says why`);
}

function outOfTime(model: string, { words }: Change, limitMs: number, signal: AbortSignal): Outcome {
  if (signal.aborted) return failure('interrupted', `Nobody waited for model ${model} to be ${words}`);
  return failure('timeout', `Model ${model} is not ${words} after ${limitMs / 1000} s; the router goes on`);
}

function pause(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(finish, WATCH_EVERY_MS);
    signal.addEventListener('abort', finish, { once: true });
    function finish(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', finish);
      resolve();
    }
  });
}

function failure(reason: string, message: string): Outcome {
  return { ok: false, error: { reason, message } };
}
