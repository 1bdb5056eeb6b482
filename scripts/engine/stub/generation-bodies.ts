/**
 * Owns the JSON of generations, whole and as stream chunks, for chat and plain completions, as llama-server
 * b11669 writes them. Pure: what was generated is an argument.
 */
import { STUB_BUILD } from './bodies.ts';
import type { GenerationRequest, GenerationResult } from './decoder.ts';

export interface Answer {
  id: string;
  modelName: string;
  createdAtSec: number;
  request: GenerationRequest;
}

function envelope({ id, modelName, createdAtSec }: Answer, object: string): Record<string, unknown> {
  return { created: createdAtSec, id, model: modelName, system_fingerprint: STUB_BUILD, object };
}

function usage({ promptTokens }: GenerationRequest, { predictedTokens }: GenerationResult): unknown {
  return {
    completion_tokens: predictedTokens,
    prompt_tokens: promptTokens,
    total_tokens: promptTokens + predictedTokens,
    prompt_tokens_details: { cached_tokens: 0 },
  };
}

function timings({ promptTokens }: GenerationRequest, result: GenerationResult): unknown {
  const { promptMs, predictedMs, predictedTokens } = result;
  return {
    cache_n: 0,
    prompt_n: promptTokens,
    prompt_ms: promptMs,
    prompt_per_token_ms: promptMs / promptTokens,
    prompt_per_second: (promptTokens / promptMs) * 1000,
    predicted_n: predictedTokens,
    predicted_ms: predictedMs,
    predicted_per_token_ms: predictedMs / predictedTokens,
    predicted_per_second: (predictedTokens / predictedMs) * 1000,
  };
}

export function wholeBody(answer: Answer, text: string, result: GenerationResult): unknown {
  const { request } = answer;
  const finish = { finish_reason: result.finishReason, index: 0 };
  const choice = request.isChat
    ? { ...finish, message: { role: 'assistant', content: text } }
    : { ...finish, text, logprobs: null };
  return {
    choices: [choice],
    ...envelope(answer, request.isChat ? 'chat.completion' : 'text_completion'),
    usage: usage(request, result),
    timings: timings(request, result),
  };
}

function chunk(answer: Answer, text: string | null, finishReason: string | null, extra: object): unknown {
  const start = { finish_reason: finishReason, index: 0 };
  const choice = answer.request.isChat
    ? { ...start, delta: text === null ? {} : { content: text } }
    : { ...start, text: text ?? '', logprobs: null };
  const object = answer.request.isChat ? 'chat.completion.chunk' : 'text_completion';
  return { choices: [choice], ...envelope(answer, object), ...extra };
}

/** How a chat stream opens; a completion's has no such chunk. */
export function firstChunk(answer: Answer): unknown {
  const choice = { finish_reason: null, index: 0, delta: { role: 'assistant', content: null } };
  return { choices: [choice], ...envelope(answer, 'chat.completion.chunk') };
}

export function tokenChunk(answer: Answer, text: string): unknown {
  return chunk(answer, text, null, {});
}

/** The end of a stream. Usage comes with a completion always, with a chat in an extra chunk when asked for. */
export function lastChunks(answer: Answer, result: GenerationResult, includesUsage: boolean): unknown[] {
  const { request } = answer;
  const figures = { timings: timings(request, result) };
  const counted = { usage: usage(request, result), ...figures };
  if (!request.isChat) return [chunk(answer, null, result.finishReason, counted)];
  if (!includesUsage) return [chunk(answer, null, result.finishReason, figures)];
  const end = chunk(answer, null, result.finishReason, {});
  return [end, { choices: [], ...envelope(answer, 'chat.completion.chunk'), ...counted }];
}
