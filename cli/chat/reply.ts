// Owns reading the stream of an answer as engines send it (OpenAI's chunks): pieces of text in, and what was told of it.

import * as v from 'valibot';

const ChunkSchema = v.looseObject({
  model: v.optional(v.string()),
  choices: v.optional(
    v.array(
      v.looseObject({
        delta: v.optional(
          v.looseObject({ content: v.nullish(v.string()), reasoning_content: v.nullish(v.string()) }),
        ),
        finish_reason: v.nullish(v.string()),
      }),
    ),
  ),
});

const ErrorSchema = v.looseObject({ error: v.looseObject({ message: v.string() }) });

export type Piece =
  | { kind: 'text'; text: string }
  /** The model thinks aloud before it answers. */
  | { kind: 'thought' }
  | { kind: 'failed'; message: string }
  | { kind: 'done' }
  /** Nothing that a person reads, and a chunk of a form that is not known. */
  | { kind: 'other' };

/** What was told beside the text. */
export type Told = { model?: string; finish_reason?: string };

/** @param told is added to. */
export function pieceOf(event: string | undefined, data: string, told: Told): Piece {
  if (data === '[DONE]') return { kind: 'done' };
  const json = v.safeParse(v.pipe(v.string(), v.parseJson()), data);
  const failure = v.safeParse(ErrorSchema, json.output);
  if (failure.success) return { kind: 'failed', message: failure.output.error.message };
  if (event === 'error') return { kind: 'failed', message: 'the engine broke off its answer' };
  const chunk = v.safeParse(ChunkSchema, json.output);
  if (!chunk.success) return { kind: 'other' };
  const { model, choices = [] } = chunk.output;
  const [choice] = choices;
  if (model !== undefined) told.model = model;
  if (typeof choice?.finish_reason === 'string') told.finish_reason = choice.finish_reason;
  if (choice?.delta?.content) return { kind: 'text', text: choice.delta.content };
  return choice?.delta?.reasoning_content ? { kind: 'thought' } : { kind: 'other' };
}
