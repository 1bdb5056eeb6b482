// Measures a real llama-server that decodes as fast as it can: the time to the first token, and tokens/s beside nginx.

import { fineQuantile, median, type BenchResult } from '../result.ts';
import { inTurns, perWay, WAYS, type Load, type Way, type Ways } from './ways.ts';

export const SLOTS = 4;
const ROUNDS = 10;
const FIRST_TOKENS = 25;
const TOKENS = 500;

export async function measureUnpaced(load: Load, { origins }: Ways): Promise<BenchResult> {
  const first = perWay((): number[] => []);
  const pace = perWay((): number[] => []);
  const carryOut = (way: Way, streams: number, requests: number, tokens: number) =>
    load.carryOut({
      url: `${origins[way]}/v1/chat/completions`,
      streams,
      requests,
      body: {
        model: 'llama',
        stream: true,
        max_tokens: tokens,
        ignore_eos: true,
        cache_prompt: false,
        messages: [{ role: 'user', content: 'Say something.' }],
      },
    });
  for (const way of WAYS) await carryOut(way, SLOTS, SLOTS, 200);
  for (let round = 1; round <= ROUNDS; round += 1) {
    for (const way of inTurns(round)) {
      const single = await carryOut(way, 1, FIRST_TOKENS, 4);
      first[way].push(fineQuantile(single.firstMs, 0.5));
      const full = await carryOut(way, SLOTS, SLOTS * 4, TOKENS);
      pace[way].push(full.tokens / full.seconds);
      process.stdout.write(
        `llama round ${round} ${way}: first token p50 ${first[way].at(-1)} ms, ` +
          `${pace[way].at(-1)?.toFixed(0)} tokens/s with ${SLOTS} streams\n`,
      );
    }
  }
  const added = (way: Way): number =>
    median(first[way].map((figure, round) => figure - (first.direct[round] ?? Number.NaN)));
  const share = median(pace.gateway.map((figure, round) => figure / (pace.nginx[round] ?? Number.NaN)));
  return {
    figures: {
      llama_rounds: ROUNDS,
      llama_direct_first_token_p50_ms: median(first.direct),
      llama_gateway_added_first_token_p50_ms: added('gateway'),
      llama_nginx_added_first_token_p50_ms: added('nginx'),
      llama_direct_tokens_per_second: Math.round(median(pace.direct)),
      llama_gateway_tokens_per_second: Math.round(median(pace.gateway)),
      llama_nginx_tokens_per_second: Math.round(median(pace.nginx)),
      llama_gateway_share_of_nginx: share,
    },
    claims: [
      {
        claim: 'llama-server: the first token is at most 1 ms later at the median',
        held: added('gateway') <= 1,
      },
      { claim: "llama-server: at least 80 % of nginx's tokens/s", held: share >= 0.8 },
    ],
  };
}
