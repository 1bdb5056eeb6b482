// Owns which models of a node have appeared, disappeared or changed state between two of its words.

import { MODEL_CHANGES_MAX, type ModelChange, type ModelsChanged } from '../../contract/models-changed.ts';
import type { Model, RuntimeRecord } from '../../contract/runtime-record.ts';
import type { Snapshot } from '../../contract/snapshot.ts';

type Known = { runtime: string; model: string; state: Model['state'] };

/**
 * Undefined where nothing has changed: almost always, and then this costs one look at each model.
 * @param before undefined where the node was not known, `after` where it is not any more. A node that is silent has not
 * changed: what is known of its models has.
 */
export function modelsChanged(
  before: Snapshot | undefined,
  after: Snapshot | undefined,
): ModelsChanged | undefined {
  const node = after?.target ?? before?.target;
  if (node === undefined || isSame(before?.runtimes ?? [], after?.runtimes ?? [])) return undefined;
  const changes = changesBetween(known(before), known(after));
  if (changes.length === 0) return undefined;
  const more = changes.length - MODEL_CHANGES_MAX;
  return { node, changes: changes.slice(0, MODEL_CHANGES_MAX), ...(more > 0 && { more }) };
}

function changesBetween(before: Map<string, Known>, after: Map<string, Known>): ModelChange[] {
  const isOrWas = [...after].flatMap(([key, { runtime, model, state: to }]): ModelChange[] => {
    const from = before.get(key)?.state;
    if (from === to) return [];
    return [{ runtime, model, ...(from !== undefined && { from }), to }];
  });
  const gone = [...before].flatMap(([key, { runtime, model, state: from }]): ModelChange[] =>
    after.has(key) ? [] : [{ runtime, model, from }],
  );
  return [...isOrWas, ...gone];
}

function known(snapshot: Snapshot | undefined): Map<string, Known> {
  return new Map(
    (snapshot?.runtimes ?? []).flatMap(({ descriptor: { id: runtime, models = [] } }) =>
      models.map(({ id: model, state }): [string, Known] => [
        JSON.stringify([runtime, model]),
        { runtime, model, state },
      ]),
    ),
  );
}

function isSame(before: readonly RuntimeRecord[], after: readonly RuntimeRecord[]): boolean {
  return (
    before.length === after.length &&
    after.every(({ descriptor }, index) => {
      const said = before[index]?.descriptor;
      const models = descriptor.models ?? [];
      return (
        said?.id === descriptor.id &&
        (said.models ?? []).length === models.length &&
        models.every(({ id, state }, at) => said.models?.[at]?.id === id && said.models[at].state === state)
      );
    })
  );
}
