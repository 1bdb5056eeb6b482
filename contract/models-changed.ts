// Owns the payload of `models.changed`: which models of one node came, went, or are in another state than before.

import * as v from 'valibot';
import { NodeIdSchema, RuntimeIdSchema } from './ids.ts';
import { ModelSchema } from './runtime-record.ts';
import { Count } from './scalars.ts';

/** More changes at once are counted, not listed: a router may serve a folder of thousands. */
export const MODEL_CHANGES_MAX = 100;

const { id, state } = ModelSchema.entries;

/** `from` is left out where the model has appeared, `to` where it has disappeared. */
const ModelChangeSchema = v.looseObject({
  runtime: RuntimeIdSchema,
  model: id,
  from: v.optional(state),
  to: v.optional(state),
});
export type ModelChange = v.InferOutput<typeof ModelChangeSchema>;

export const ModelsChangedSchema = v.looseObject({
  node: NodeIdSchema,
  changes: v.pipe(v.array(ModelChangeSchema), v.minLength(1), v.maxLength(MODEL_CHANGES_MAX)),
  /** Changes that are not listed. */
  more: v.optional(Count),
});
export type ModelsChanged = v.InferOutput<typeof ModelsChangedSchema>;
