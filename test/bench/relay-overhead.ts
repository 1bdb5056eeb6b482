// Measures what the way through hub, uplink and gateway adds to an answer: direct against relayed, in turns, on one
// machine. Client, hub, reporter and engines are processes of their own.

import { mkdtemp, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { findEngine } from '../../scripts/engine/find-engine.ts';
import { findModel } from '../../scripts/engine/find-model.ts';
import { projectCacheDir } from '../../scripts/engine/project-cache.ts';
import { cpuMicroseconds, Load } from './gateway/ways.ts';
import { SLOTS, startFleet, TOKENS_PER_SECOND, type BenchFleet } from './relay/fleet.ts';
import { Heartbeats } from './relay/heartbeats.ts';
import { inTurns, perWay, Ways, WAYS, type Way } from './relay/ways.ts';
import { fineQuantile, median, type BenchResult } from './result.ts';

const PACED_STREAMS = 64;
/** Long enough that the start of 64 requests at once, which costs some 5 ms of a core each, is not what is measured. */
const PACED_SECONDS = 30;
const FIRST_TOKENS = 25;
/** What a heartbeat may be late by: a tenth of the usual pace. */
const HEARTBEAT_LATE_AT_MOST_MS = 500;

/** `--short` for a look while developing. */
export async function relayOverhead(args: readonly string[]): Promise<BenchResult> {
  const rounds = args.includes('--short') ? 1 : 3;
  const options = { env: process.env, cacheDir: projectCacheDir(), log: () => undefined };
  const engine = await findEngine(options);
  if (engine.kind === 'stub') throw new Error(`no llama-server to measure: ${engine.reason}`);
  const model = await findModel({ ...options, env: {} });
  const folder = await mkdtemp(join(tmpdir(), 'runtime-matrix-bench-'));
  const ending: (() => Promise<void>)[] = [() => rm(folder, { recursive: true, force: true })];
  try {
    const fleet = await startFleet(folder, { binary: engine.binary, model: model.path }, ending);
    const load = new Load();
    ending.push(() => load.stop());
    const ways = new Ways(load, fleet.hub, fleet.token, fleet.ports);
    const before = loadavg()[0] ?? 0;
    const paced = await measurePaced(ways, fleet, rounds);
    const llama = await measureLlama(ways, rounds);
    const flood = await measureFlood(ways, rounds);
    return {
      figures: { load_average_before: before, rounds, ...paced.figures, ...llama.figures, ...flood },
      claims: [...paced.claims, ...llama.claims],
    };
  } finally {
    for (const finish of ending.toReversed()) await finish();
  }
}

async function measurePaced(ways: Ways, fleet: BenchFleet, rounds: number): Promise<BenchResult> {
  const pace = perWay((): number[] => []);
  const p50 = perWay((): number[] => []);
  const p99 = perWay((): number[] => []);
  const cpu = { hub: [] as number[], reporter: [] as number[] };
  const run = (way: Way, seconds: number) =>
    ways.carryOut(way, {
      model: 'paced',
      maxTokens: seconds * TOKENS_PER_SECOND,
      streams: PACED_STREAMS,
      requests: PACED_STREAMS,
    });
  for (const way of WAYS) await run(way, 3);
  const heartbeats = new Heartbeats(fleet.hub, fleet.token);
  const spent = async (): Promise<[number, number]> => [
    await cpuMicroseconds(fleet.workerdPid),
    await cpuMicroseconds(fleet.reporterPid),
  ];
  for (let round = 1; round <= rounds; round += 1) {
    for (const way of inTurns(round)) {
      const [hubBefore, reporterBefore] = await spent();
      const measured = await run(way, PACED_SECONDS);
      const [hubAfter, reporterAfter] = await spent();
      pace[way].push(measured.tokens / measured.seconds);
      p50[way].push(fineQuantile(measured.delaysMs, 0.5));
      p99[way].push(fineQuantile(measured.delaysMs, 0.99));
      if (way === 'relayed') {
        cpu.hub.push((hubAfter - hubBefore) / measured.tokens);
        cpu.reporter.push((reporterAfter - reporterBefore) / measured.tokens);
      }
      process.stdout.write(
        `paced round ${round} ${way}: ${pace[way].at(-1)?.toFixed(0)} tokens/s, delay p50 ${p50[way].at(-1)} ms, ` +
          `p99 ${p99[way].at(-1)} ms\n`,
      );
    }
  }
  const beats = heartbeats.stop();
  const share = median(
    pace.relayed.map((figure, round) => figure / (pace.direct[round] ?? Number.NaN)),
    4,
  );
  return {
    figures: {
      paced_streams: PACED_STREAMS,
      paced_direct_tokens_per_second: Math.round(median(pace.direct)),
      paced_relayed_share_of_direct: share,
      paced_direct_delay_p50_ms: median(p50.direct),
      paced_direct_delay_p99_ms: median(p99.direct),
      paced_added_p50_ms: added(p50),
      paced_added_p99_ms: added(p99),
      paced_hub_cpu_us_per_token: median(cpu.hub),
      paced_reporter_cpu_us_per_token: median(cpu.reporter),
      heartbeats_heard: beats.heard,
      heartbeat_pace_ms: beats.paceMs,
      heartbeat_latest_ms: beats.latestMs,
    },
    claims: [
      { claim: 'paced: at least 99 % of the tokens/s of direct', held: share >= 0.99 },
      { claim: 'paced: a token is at most 10 ms later at p99', held: added(p99) <= 10 },
      {
        claim: `heartbeats on time: none is ${HEARTBEAT_LATE_AT_MOST_MS} ms late while 64 streams are relayed`,
        held: beats.latestMs <= HEARTBEAT_LATE_AT_MOST_MS,
      },
    ],
  };
}

async function measureLlama(ways: Ways, rounds: number): Promise<BenchResult> {
  const first = perWay((): number[] => []);
  const pace = perWay((): number[] => []);
  const run = (way: Way, streams: number, requests: number, maxTokens: number) =>
    ways.carryOut(way, { model: 'llama', maxTokens, streams, requests });
  for (const way of WAYS) await run(way, SLOTS, SLOTS, 100);
  for (let round = 1; round <= rounds; round += 1) {
    for (const way of inTurns(round)) {
      const single = await run(way, 1, FIRST_TOKENS, 4);
      first[way].push(fineQuantile(single.firstMs, 0.5));
      const full = await run(way, SLOTS, SLOTS * 4, 500);
      pace[way].push(full.tokens / full.seconds);
      process.stdout.write(
        `llama round ${round} ${way}: first token p50 ${first[way].at(-1)} ms, ` +
          `${pace[way].at(-1)?.toFixed(0)} tokens/s with ${SLOTS} streams\n`,
      );
    }
  }
  return {
    figures: {
      llama_direct_first_token_p50_ms: median(first.direct),
      llama_relayed_first_token_p50_ms: median(first.relayed),
      llama_added_first_token_p50_ms: added(first),
      llama_direct_tokens_per_second: Math.round(median(pace.direct)),
      llama_relayed_tokens_per_second: Math.round(median(pace.relayed)),
    },
    claims: [
      {
        claim: 'llama-server: the first token is at most 5 ms later at the median',
        held: added(first) <= 5,
      },
    ],
  };
}

/** As fast as everything on the way carries: reported, since how many cores there are decides it. */
async function measureFlood(ways: Ways, rounds: number): Promise<BenchResult['figures']> {
  const pace = perWay((): number[] => []);
  for (let round = 1; round <= rounds; round += 1) {
    for (const way of inTurns(round)) {
      const measured = await ways.carryOut(way, {
        model: 'flood',
        maxTokens: 2000,
        streams: PACED_STREAMS,
        requests: PACED_STREAMS,
      });
      pace[way].push(measured.tokens / measured.seconds);
    }
  }
  return {
    unpaced_direct_chunks_per_second: Math.round(median(pace.direct)),
    unpaced_relayed_chunks_per_second: Math.round(median(pace.relayed)),
  };
}

/** Each round against the direct way of the same round: what else the machine does comes and goes. */
function added(figures: Record<Way, readonly number[]>): number {
  return median(figures.relayed.map((figure, round) => figure - (figures.direct[round] ?? Number.NaN)));
}
