// Owns what a suite and its keeper say to each other: one JSON object a line.

import * as v from 'valibot';

/** From the suite: a program that it has started, the folder of its run, whether that folder stays. */
const ToldFields = v.object({
  pid: v.optional(v.number()),
  folder: v.optional(v.string()),
  keepFolder: v.optional(v.boolean()),
});
export const ToldSchema = v.pipe(v.string(), v.parseJson(), ToldFields);
export type Told = v.InferOutput<typeof ToldFields>;

/** From the keeper, last: the processes that it had to kill, since they outlived the programs that started them. */
export const EndedSchema = v.pipe(v.string(), v.parseJson(), v.object({ left: v.array(v.number()) }));
export type Ended = v.InferOutput<typeof EndedSchema>;
