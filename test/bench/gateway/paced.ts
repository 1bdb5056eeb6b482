// Measures streams at a fixed pace, whose engine stamps each token: what a proxy costs in tokens/s and in delay.

import { fineQuantile, median, type BenchResult } from '../result.ts';
import { cpuMicroseconds, inTurns, perWay, WAYS, type Load, type Way, type Ways } from './ways.ts';

export const TOKENS_PER_SECOND = 100;
const STREAMS = 64;
const SECONDS = 8;
const ROUNDS = 6;

export async function measurePaced(load: Load, { origins, proxyPid }: Ways): Promise<BenchResult> {
  const pace = perWay((): number[] => []);
  const p50 = perWay((): number[] => []);
  const p99 = perWay((): number[] => []);
  const cpu = perWay((): number[] => []);
  const carryOut = (way: Way, seconds: number) =>
    load.carryOut({
      url: `${origins[way]}/v1/chat/completions`,
      streams: STREAMS,
      requests: STREAMS,
      body: { model: 'paced', stream: true, max_tokens: seconds * TOKENS_PER_SECOND },
    });
  for (const way of WAYS) await carryOut(way, 2);
  for (let round = 1; round <= ROUNDS; round += 1) {
    for (const way of inTurns(round)) {
      const pid = way === 'direct' ? undefined : proxyPid[way];
      const before = pid === undefined ? 0 : await cpuMicroseconds(pid);
      const measured = await carryOut(way, SECONDS);
      const spent = pid === undefined ? 0 : (await cpuMicroseconds(pid)) - before;
      pace[way].push(measured.tokens / measured.seconds);
      p50[way].push(fineQuantile(measured.delaysMs, 0.5));
      p99[way].push(fineQuantile(measured.delaysMs, 0.99));
      cpu[way].push(spent / measured.tokens);
      process.stdout.write(
        `paced round ${round} ${way}: ${pace[way].at(-1)?.toFixed(0)} tokens/s, delay p50 ${p50[way].at(-1)} ms, ` +
          `p99 ${p99[way].at(-1)} ms, ${cpu[way].at(-1)?.toFixed(1)} µs CPU a token\n`,
      );
    }
  }
  const share = (way: Way): number =>
    median(
      pace[way].map((figure, round) => figure / (pace.direct[round] ?? Number.NaN)),
      4,
    );
  return {
    figures: {
      paced_streams: STREAMS,
      paced_rounds: ROUNDS,
      paced_direct_tokens_per_second: Math.round(median(pace.direct)),
      paced_gateway_share_of_direct: share('gateway'),
      paced_nginx_share_of_direct: share('nginx'),
      paced_direct_delay_p50_ms: median(p50.direct),
      paced_direct_delay_p99_ms: median(p99.direct),
      paced_gateway_added_p50_ms: added(p50.gateway, p50.direct),
      paced_gateway_added_p99_ms: added(p99.gateway, p99.direct),
      paced_nginx_added_p50_ms: added(p50.nginx, p50.direct),
      paced_nginx_added_p99_ms: added(p99.nginx, p99.direct),
      paced_gateway_cpu_us_per_token: median(cpu.gateway),
      paced_nginx_cpu_us_per_token: median(cpu.nginx),
    },
    claims: [
      { claim: 'paced: at least 99 % of the tokens/s of direct', held: share('gateway') >= 0.99 },
      {
        claim: 'paced: a token is at most 1 ms later at the median',
        held: added(p50.gateway, p50.direct) <= 1,
      },
      { claim: 'paced: a token is at most 5 ms later at p99', held: added(p99.gateway, p99.direct) <= 5 },
    ],
  };
}

/** Each round against the direct way of the same round: what else the machine does comes and goes. */
function added(figures: readonly number[], direct: readonly number[]): number {
  return median(figures.map((figure, round) => figure - (direct[round] ?? Number.NaN)));
}
