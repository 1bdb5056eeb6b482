// Owns looking at a llama-server of one model: awake it tells its figures, asleep it is left alone.

import type { Model, RuntimeHealth } from '../../contract/runtime-record.ts';
import type { ReadyObservation } from '../supervisor/state.ts';
import { readModels, type Props } from './llama-bodies.ts';
import { ModelFigures, type Asking, type FiguresOptions } from './llama-figures.ts';
import { healthOf } from './llama-health.ts';

export class SingleModel {
  readonly #figures: ModelFigures;
  // Models change only with a load: asked for again when the process is new.
  #models: Model[] | undefined;

  constructor(options: FiguresOptions) {
    this.#figures = new ModelFigures(options);
  }

  /** @param props undefined where the server did not tell them: it may be asleep, and /slots would wake it. */
  async look(props: Props | undefined, latencyMs: number, asking: Asking): Promise<ReadyObservation> {
    const sleeping = props?.sleeping === true;
    const settled = sleeping ? this.#figures.away() : [];
    const figures = props === undefined || sleeping ? undefined : await this.#figures.read(asking);
    const notes = figures?.notes ?? [];
    const idleProbes = figures?.idleProbes ?? settled;
    const models = await this.#modelsOf(asking, notes);
    const work = figures === undefined && !sleeping ? { kind: 'unknown' as const } : figures?.work;
    return {
      kind: 'ready',
      health: { latency_ms: latencyMs, ...capacityOf(props), ...(figures && healthOf(figures)) },
      models: models.map((model) => (sleeping ? { ...model, state: 'sleeping' as const } : model)),
      sleeping,
      notes,
      ...(work && { work }),
      ...(idleProbes.length > 0 && { idleProbes }),
    };
  }

  async #modelsOf({ ask }: Asking, notes: string[]): Promise<Model[]> {
    if (this.#models === undefined) {
      const read = readModels(await ask('/v1/models'));
      if (read.kind === 'known') this.#models = read.value;
      else notes.push(`Models unknown (${read.reason})`);
    }
    return this.#models ?? [];
  }
}

/** What the properties say of the slots, where the slots themselves do not. */
function capacityOf(props: Props | undefined): RuntimeHealth {
  return props?.totalSlots === undefined ? {} : { capacity: props.totalSlots };
}
