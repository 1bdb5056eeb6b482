// Which models of a node have come, gone or changed.

import * as fc from 'fast-check';
import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { MODEL_CHANGES_MAX, ModelsChangedSchema } from '../../contract/models-changed.ts';
import type { Model } from '../../contract/runtime-record.ts';
import type { Snapshot } from '../../contract/snapshot.ts';
import { modelsChanged } from '../../worker/domain/model-changes.ts';
import { holds } from '../support/property.ts';
import { runtimeRecord, snapshot } from '../support/snapshot.ts';

type Models = Record<string, Record<string, Model['state']>>;

function word(runtimes: Models): Snapshot {
  return snapshot({
    runtimes: Object.entries(runtimes).map(([id, models]) => {
      const record = runtimeRecord({ id });
      record.descriptor.models = Object.entries(models).map(([model, state]) => ({ id: model, state }));
      return record;
    }),
  });
}

describe('models of a node', () => {
  test.each<[string, Models | undefined, Models | undefined, object[]]>([
    ['appear with it', undefined, { r: { m: 'loaded' } }, [{ runtime: 'r', model: 'm', to: 'loaded' }]],
    ['disappear with it', { r: { m: 'loaded' } }, undefined, [{ runtime: 'r', model: 'm', from: 'loaded' }]],
    [
      'change state',
      { r: { m: 'loading', n: 'loaded' } },
      { r: { m: 'loaded', n: 'loaded' } },
      [{ runtime: 'r', model: 'm', from: 'loading', to: 'loaded' }],
    ],
    [
      'are those of one runtime each',
      { r: { m: 'loaded' } },
      { s: { m: 'loaded' } },
      [
        { runtime: 's', model: 'm', to: 'loaded' },
        { runtime: 'r', model: 'm', from: 'loaded' },
      ],
    ],
  ])('%s', (_what, before, after, changes) => {
    const told = modelsChanged(before && word(before), after && word(after));
    expect(told).toEqual({ node: 'gpu-01', changes });
    expect(v.is(ModelsChangedSchema, told)).toBe(true);
  });

  test('are not told of by a heartbeat, in whatever order they are listed', () => {
    const said = word({ r: { m: 'loaded', n: 'unloaded' }, s: { m: 'loaded' } });
    expect(modelsChanged(said, structuredClone(said))).toBeUndefined();
    expect(
      modelsChanged(said, word({ s: { m: 'loaded' }, r: { n: 'unloaded', m: 'loaded' } })),
    ).toBeUndefined();
    expect(modelsChanged(undefined, word({ r: {} }))).toBeUndefined();
    expect(modelsChanged(undefined, undefined)).toBeUndefined();
  });

  test('beyond a bound are counted', () => {
    const models = Object.fromEntries(
      Array.from({ length: MODEL_CHANGES_MAX + 7 }, (_, n) => [`m${n}`, 'unloaded' as const]),
    );
    const told = modelsChanged(undefined, word({ router: models }));
    expect(told?.changes).toHaveLength(MODEL_CHANGES_MAX);
    expect(told?.more).toBe(7);
    expect(v.is(ModelsChangedSchema, told)).toBe(true);
  });

  test('are known to a listener who follows the changes', () => {
    const states = fc.dictionary(
      fc.constantFrom('m1', 'm2', 'm3'),
      fc.constantFrom('loaded' as const, 'unloaded' as const, 'failed' as const),
    );
    const words = fc.array(fc.dictionary(fc.constantFrom('r1', 'r2'), states), { maxLength: 12 });
    holds(
      fc.property(words, (said) => {
        const followed = new Map<string, string>();
        let before: Snapshot | undefined;
        for (const models of said) {
          const after = word(models);
          for (const { runtime, model, to } of modelsChanged(before, after)?.changes ?? []) {
            if (to === undefined) followed.delete(`${runtime}/${model}`);
            else followed.set(`${runtime}/${model}`, to);
          }
          const known = Object.entries(models).flatMap(([runtime, of]) =>
            Object.entries(of).map(([model, state]) => [`${runtime}/${model}`, state]),
          );
          expect(Object.fromEntries(followed)).toEqual(Object.fromEntries(known));
          before = after;
        }
      }),
      200,
    );
  });
});
