// Measures how fast the matrix is read: whole, as a summary, and by who has it already, by 16 clients of 1,000 nodes that
// report meanwhile, with the scrape of a Pushgateway of as many groups in the same rounds; then 10,000 nodes, streamed.

import { mkdtemp, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Fleet } from './fleet/fleet.ts';
import { startHub } from './fleet/hub.ts';
import { optional, startPushgateway } from './fleet/peers.ts';
import { fillPushgateway } from './ingest/peer-loads.ts';
import { largeFleet } from './matrix-read/large-fleet.ts';
import {
  bytesPerSecond,
  CLIENTS,
  latencies,
  perSecond,
  readFor,
  type Reading,
} from './matrix-read/reading.ts';
import { fineQuantile, median, type BenchResult } from './result.ts';

const NODES = 1000;
const INTERVAL_MS = 5000;
const MATRIX = '/state/runtime_matrix';
const BARS = { timesScrape: 8, summariesPerSecond: 600, unchangedPerSecond: 3000 };

type Rounds = Record<'full' | 'summary' | 'unchanged' | 'scrape', Reading[]>;

/** `--short` for who develops: fewer and shorter rounds, under the same bars. */
export async function matrixRead(args: readonly string[]): Promise<BenchResult> {
  const [rounds, seconds] = args.includes('--short') ? [2, 2] : [5, 4];
  const loadBefore = loadavg()[0] ?? 0;
  const small = await inFolder((folder, ending) => smallFleet(folder, rounds, seconds, ending));
  const large = await inFolder((folder, ending) => largeFleet(folder, 2 * rounds * seconds, ending));
  return {
    figures: { load_average_before: loadBefore, ...small.figures, ...large.figures },
    claims: [...small.claims, ...large.claims],
  };
}

/** What is started is ended in turn, the last one first, and leaves nothing behind. */
async function inFolder<T>(
  work: (folder: string, ending: (() => Promise<void>)[]) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'runtime-matrix-bench-'));
  const ending: (() => Promise<void>)[] = [() => rm(folder, { recursive: true, force: true })];
  try {
    return await work(folder, ending);
  } finally {
    for (const finish of ending.toReversed()) await finish();
  }
}

async function smallFleet(
  folder: string,
  rounds: number,
  seconds: number,
  ending: (() => Promise<void>)[],
): Promise<BenchResult> {
  const hub = await startHub(folder);
  ending.push(hub.stop);
  const fleet = await Fleet.start({ hub, nodes: NODES, sockets: NODES });
  ending.push(() => fleet.stop());
  await fleet.report(INTERVAL_MS);
  const gateway = await optional('prometheus-pushgateway', () =>
    startPushgateway(folder, (url) => fillPushgateway(url, NODES)),
  );
  if (gateway !== undefined) ending.push(gateway.stop);
  const all: Rounds = { full: [], summary: [], unchanged: [], scrape: [] };
  const { url, token } = hub;
  for (let round = 0; round <= rounds; round += 1) {
    const full = await readFor(url, MATRIX, { token, seconds });
    const summary = await readFor(url, `${MATRIX}?view=summary`, { token, seconds });
    const unchanged = await readFor(url, MATRIX, { token, seconds, known: true });
    // Last: what it leaves to its collector of garbage weighs on what comes after it.
    const scrape = gateway && (await readFor(gateway.url, '/metrics', { seconds }));
    // The first words of new processes are not their pace.
    if (round === 0) continue;
    all.full.push(full);
    all.summary.push(summary);
    all.unchanged.push(unchanged);
    if (scrape !== undefined) all.scrape.push(scrape);
    const told = [
      `full ${megabytes(full)} MB/s`,
      `scrape ${scrape ? megabytes(scrape) : '-'} MB/s`,
      `summary ${perSecond(summary, 200).toFixed(0)}/s`,
      `304 ${perSecond(unchanged, 304).toFixed(0)}/s`,
    ];
    process.stdout.write(`round ${round}: ${told.join(', ')}\n`);
  }
  return resultOf(all);
}

function resultOf({ full, summary, unchanged, scrape }: Rounds): BenchResult {
  const summaries = median(
    summary.map((each) => perSecond(each, 200)),
    0,
  );
  const notModified = median(
    unchanged.map((each) => perSecond(each, 304)),
    0,
  );
  const figures: Record<string, number> = {
    nodes: NODES,
    clients: CLIENTS,
    full_answer_bytes: sizeOf(full),
    full_mb_per_second: median(
      full.map(bytesPerSecond).map((each) => each / 1e6),
      1,
    ),
    full_per_second: median(
      full.map((each) => perSecond(each, 200)),
      0,
    ),
    full_p99_ms: p99(full, 200),
    summary_answer_bytes: sizeOf(summary),
    summary_per_second: summaries,
    summary_p99_ms: p99(summary, 200),
    not_modified_per_second: notModified,
    not_modified_p99_ms: p99(unchanged, 304),
  };
  const claims = [
    {
      claim: `view=summary at least ${BARS.summariesPerSecond} a second`,
      held: summaries >= BARS.summariesPerSecond,
    },
    {
      claim: `304 at least ${BARS.unchangedPerSecond} a second`,
      held: notModified >= BARS.unchangedPerSecond,
    },
  ];
  if (scrape.length > 0) {
    const times = median(
      full.map((each, round) => bytesPerSecond(each) / bytesPerSecond(scrape[round] ?? each)),
    );
    figures['scrape_answer_bytes'] = sizeOf(scrape);
    figures['scrape_mb_per_second'] = median(
      scrape.map(bytesPerSecond).map((each) => each / 1e6),
      1,
    );
    figures['scrape_p99_ms'] = p99(scrape, 200);
    figures['times_scrape'] = times;
    claims.unshift({
      claim: `the whole matrix at least ${BARS.timesScrape} times the bytes/s of a Pushgateway's scrape`,
      held: times >= BARS.timesScrape,
    });
  }
  return { figures, claims };
}

function p99(readings: readonly Reading[], status: number): number {
  return fineQuantile(
    readings.flatMap((each) => latencies(each, status)),
    0.99,
  );
}

function sizeOf(readings: readonly Reading[]): number {
  return readings.flatMap(({ reads }) => reads).find(({ status }) => status === 200)?.bytes ?? 0;
}

function megabytes(reading: Reading): string {
  return (bytesPerSecond(reading) / 1e6).toFixed(1);
}
