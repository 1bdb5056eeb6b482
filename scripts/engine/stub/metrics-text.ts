/**
 * Owns the stub's `/metrics`: the names, order and help texts of llama-server b11669. Reading clears the window
 * of the throughput gauges, as it does there; so whoever polls them sees somebody else's poll.
 */
import type { Decoder } from './decoder.ts';

type Metric = [name: string, type: 'counter' | 'gauge', help: string, value: number];

const perSecond = (count: number, ms: number): number => (ms === 0 ? 0 : (count / ms) * 1000);
/** llama-server prints six significant digits. */
const format = (value: number): string => String(Number(value.toPrecision(6)));

export function readMetrics({ counters, busySlots, queue }: Decoder): string {
  const { total } = counters;
  const window = counters.takeWindow();
  const busyPerDecode = counters.decodeCalls === 0 ? 0 : counters.busySlotsSum / counters.decodeCalls;
  const metrics: Metric[] = [
    [
      'prompt_tokens_total',
      'counter',
      'Number of prompt tokens processed, excluding cached tokens',
      total.promptTokens,
    ],
    ['prompt_tokens_cached_total', 'counter', 'Number of prompt tokens reused from the cache', 0],
    ['prompt_seconds_total', 'counter', 'Total time spent processing prompts', total.promptMs / 1000],
    ['tokens_predicted_total', 'counter', 'Number of generation tokens processed', total.predictedTokens],
    [
      'tokens_predicted_seconds_total',
      'counter',
      'Total time spent generating tokens',
      total.predictedMs / 1000,
    ],
    [
      'n_decode_total',
      'counter',
      'Total number of llama_decode() calls, excluding speculative decoding and multimodal decoding',
      counters.decodeCalls,
    ],
    [
      'n_tokens_max',
      'counter',
      'Largest observed sequence length (prompt + generation)',
      counters.longestTokens,
    ],
    ['spec_decode_num_draft_tokens_total', 'counter', 'Speculative: Total draft tokens generated', 0],
    [
      'spec_decode_num_accepted_tokens_total',
      'counter',
      'Speculative: Total draft tokens accepted by the target model',
      0,
    ],
    [
      'spec_decode_num_drafts_total',
      'counter',
      'Speculative: Total speculative decoding verification steps',
      0,
    ],
    [
      'prompt_tokens_seconds',
      'gauge',
      'Average prompt throughput in tokens/s',
      perSecond(window.promptTokens, window.promptMs),
    ],
    [
      'predicted_tokens_seconds',
      'gauge',
      'Average generation throughput in tokens/s',
      perSecond(window.predictedTokens, window.predictedMs),
    ],
    ['requests_processing', 'gauge', 'Number of requests processing', busySlots],
    ['requests_deferred', 'gauge', 'Number of requests deferred', queue.length],
    [
      'n_busy_slots_per_decode',
      'gauge',
      'Average number of busy slots per llama_decode() call',
      busyPerDecode,
    ],
  ];
  return metrics.map(metricLines).join('');
}

function metricLines([name, type, help, value]: Metric): string {
  const full = `llamacpp:${name}`;
  return `# HELP ${full} ${help}\n# TYPE ${full} ${type}\n${full} ${format(value)}\n`;
}
