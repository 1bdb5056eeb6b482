// Owns looking at a llama-server that routes to several models: which there are, what each is doing, and the figures of
// those that are loaded. Nothing here loads a model, wakes one, or changes which one is evicted next.

import type { IdleProbeNews } from '../supervisor/idle-doubt.ts';
import type { ReadyObservation } from '../supervisor/state.ts';
import type { RuntimeEntry } from '../manifest-schema.ts';
import { readProps, type Props } from './llama-bodies.ts';
import { ModelFigures, type Asking, type Figures } from './llama-figures.ts';
import { healthOf, sumOf } from './llama-health.ts';
import { idleProbeRule } from './llama-idle-rule.ts';
import { readRouterModels, type RouterModel } from './llama-router-bodies.ts';
import { slowestWork, type WorkMarks } from './llama-slowest-work.ts';

/** `token` is asked of the model that it is given. */
export type RouterAsking = {
  ask: Asking['ask'];
  token: (timeoutMs: number, model: string) => ReturnType<Asking['token']>;
};

export class RouterModels {
  readonly #process: RuntimeEntry['process'];
  readonly #now: () => number;
  /** Of each model that is loaded now. */
  readonly #figures = new Map<string, ModelFigures>();
  /** Models that an operator unloaded while they loaded: the router lists them as failed. */
  readonly #unloaded = new Set<string>();
  #marks: WorkMarks = new Map();

  constructor(process: RuntimeEntry['process'], now: () => number) {
    this.#process = process;
    this.#now = now;
  }

  noteUnloaded(model: string): void {
    this.#unloaded.add(model);
  }

  async look(
    { maxInstances }: NonNullable<Props['router']>,
    latencyMs: number,
    asking: RouterAsking,
  ): Promise<ReadyObservation> {
    const list = readRouterModels(await asking.ask('/models'));
    if (list.kind === 'unknown') return unreadRouter(latencyMs, `Models unknown (${list.reason})`);
    const models = await Promise.all(list.value.map((model) => asItIs(this.#asAskedFor(model), asking.ask)));
    // A question counts as use: where not all models fit, it would change which one makes room for the next.
    const evicts = maxInstances !== 0 && models.length > (maxInstances ?? 0);
    const awake = models.filter(({ state }) => state === 'loaded');
    const withdrawn = this.#withdraw(new Set(awake.map(({ id }) => id)));
    const read = await Promise.all(
      awake.map(async (model) => ({ id: model.id, figures: await this.#read(model, evicts, asking) })),
    );
    const { marks, work } = slowestWork(
      this.#marks,
      read.map(({ id, figures }) => ({ model: id, work: figures.work })),
      this.#now(),
    );
    this.#marks = marks;
    const told = read.flatMap(({ id, figures }) =>
      figures.idleProbes.map((news) => ({ ...news, model: id })),
    );
    const idleProbes: IdleProbeNews[] = [...withdrawn, ...told];
    const failed = models.filter(({ state }) => state === 'failed');
    return {
      kind: 'ready',
      health: {
        latency_ms: latencyMs,
        ...(read.length > 0 && healthOf(sumOf(read.map(({ figures }) => figures)))),
      },
      models: models.map(({ id, state, context }) => ({
        id,
        state,
        ...(context !== undefined && { context }),
      })),
      sleeping: false,
      notes: [
        ...failed.map(failureWords),
        ...read.flatMap(({ id, figures }) => figures.notes.map((note) => `${id}: ${note}`)),
      ],
      ...(failed.length > 0 && { warning: `${failed.length} of ${models.length} models failed` }),
      ...(work && { work }),
      ...(idleProbes.length > 0 && { idleProbes }),
    };
  }

  #asAskedFor(model: RouterModel): RouterModel {
    const isDown = model.state === 'failed' || model.state === 'unloaded';
    if (!isDown) this.#unloaded.delete(model.id);
    return this.#unloaded.has(model.id) ? { ...model, state: 'unloaded' } : model;
  }

  #read(model: RouterModel, evicts: boolean, { ask, token }: RouterAsking): Promise<Figures> {
    const { id, sleepIdleMs } = model;
    let figures = this.#figures.get(id);
    if (figures === undefined) {
      const idleProbe = idleProbeRule(this.#process, sleepIdleMs !== undefined || evicts);
      figures = new ModelFigures({ now: this.#now, sleepIdleMs, idleProbe });
      this.#figures.set(id, figures);
    }
    return figures.read({
      ask: askOf(id, ask),
      token: (timeoutMs) => token(timeoutMs, id),
    });
  }

  /** Figures of a process that has ended mean nothing for the next, and neither does a doubt about it. */
  #withdraw(awake: ReadonlySet<string>): IdleProbeNews[] {
    const gone = [...this.#figures].filter(([id]) => !awake.has(id));
    for (const [id] of gone) this.#figures.delete(id);
    return gone.flatMap(([id, figures]) => figures.away().map((news) => ({ ...news, model: id })));
  }
}

/** A router that answers, and does not tell what it does. */
export function unreadRouter(latencyMs: number, note: string): ReadyObservation {
  return {
    kind: 'ready',
    health: { latency_ms: latencyMs },
    models: [],
    sleeping: false,
    notes: [note],
    work: { kind: 'unknown' },
  };
}

/** Asks one model; the router would load one that was unloaded since it was listed, if it were not told otherwise. */
function askOf(id: string, ask: Asking['ask']): Asking['ask'] {
  return (path) => ask(`${path}?model=${encodeURIComponent(id)}&autoload=false`);
}

/** Older builds list a model that sleeps as loaded; its properties tell, and do not wake it. */
async function asItIs(model: RouterModel, ask: Asking['ask']): Promise<RouterModel> {
  if (model.state !== 'loaded' || model.sleepIdleMs === undefined) return model;
  const props = readProps(await askOf(model.id, ask)('/props'));
  if (props.kind === 'unknown') return { ...model, state: 'unknown' };
  return props.value.sleeping ? { ...model, state: 'sleeping' } : model;
}

function failureWords({ id, exitCode }: RouterModel): string {
  const exit = exitCode === undefined ? '' : ` (exit code ${exitCode})`;
  return `Model ${id} failed${exit}; the runtime's log says why, and a load tries it again`;
}
