// Owns the figures of a runtime as they cross the wire: those of its one model, or the sums over several.

import type { RuntimeHealth } from '../../contract/runtime-record.ts';
import type { Figures } from './llama-figures.ts';

type Summed = Pick<Figures, 'slots' | 'queued' | 'pace'>;

/** The figures of several models as one; a sum of which a part is unknown is unknown. */
export function sumOf(parts: readonly Summed[]): Summed {
  const capacity = sum(parts.map(({ slots }) => slots?.capacity));
  const busy = sum(parts.map(({ slots }) => slots?.busy));
  const queued = sum(parts.map((part) => part.queued));
  // A pace is absent while no token is made: what others make is the whole.
  const promptTokensPerSecond = sumOfKnown(parts.map(({ pace }) => pace.promptTokensPerSecond));
  const predictedTokensPerSecond = sumOfKnown(parts.map(({ pace }) => pace.predictedTokensPerSecond));
  return {
    ...(capacity !== undefined && busy !== undefined && { slots: { capacity, busy } }),
    ...(queued !== undefined && { queued }),
    pace: {
      ...(promptTokensPerSecond !== undefined && { promptTokensPerSecond }),
      ...(predictedTokensPerSecond !== undefined && { predictedTokensPerSecond }),
    },
  };
}

/** One that is unknown is left out. */
export function healthOf({ slots, queued, pace }: Summed): RuntimeHealth {
  const { promptTokensPerSecond, predictedTokensPerSecond } = pace;
  return {
    ...(slots && { capacity: slots.capacity, inflight_jobs: slots.busy }),
    ...(queued !== undefined && { queued_jobs: queued }),
    ...(promptTokensPerSecond !== undefined && { prompt_tokens_per_second: promptTokensPerSecond }),
    ...(predictedTokensPerSecond !== undefined && { predicted_tokens_per_second: predictedTokensPerSecond }),
  };
}

function sum(values: readonly (number | undefined)[]): number | undefined {
  return values.includes(undefined) ? undefined : sumOfKnown(values);
}

/** Undefined where none is known. */
function sumOfKnown(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  // Each has one digit; a sum of such has no more.
  return known.length === 0
    ? undefined
    : Math.round(known.reduce((total, value) => total + value, 0) * 10) / 10;
}
