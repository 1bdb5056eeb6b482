// Measures whether a fleet may grow: the hub's CPU time for one accepted snapshot, its memory for a node, and what Fleet
// has to do with a snapshot, at 100 to 50,000 nodes over 8 shards. The hubs are measured in turns.

import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { startCountedHub } from './fleet/counted-hub.ts';
import { Fleet } from './fleet/fleet.ts';
import { startHub, type BenchHub } from './fleet/hub.ts';
import { watched, type Watched } from './growth/watched.ts';
import { cpuSecondsOf, footprintOf } from './process-footprint.ts';
import { median, type BenchResult } from './result.ts';

const SIZES = [100, 1000, 10_000, 50_000];
const SHORT_SIZES = [100, 1000, 10_000];
const SHARDS = '8';
/** Nodes of each fleet that hold a socket, at most half of them: the others report by POST, all of them in turn. */
const SOCKETS = 500;
/** As many report at a time in each fleet: more on their way cost the caches more, however large the fleet is. */
const FLOODING_SOCKETS = 50;
/** The first is parsed, the second looks up where the figures of the first stand: every later one is a heartbeat. */
const FIRST_REPORTS = 3;
/** A fleet that waits for its turn does not fall silent: what that costs is no snapshot's. */
const TTL_SECONDS = '900';
/** Nor do its shards hibernate, as those of a fleet that reports never do: some node of each reports all the time. */
const AWAKE_REPORTS_PER_SECOND = 32;
const BAR_TIMES = 1.3;
/** After this long a fleet's figures are those of work, and no more those of its turn's begin. */
const WARM_SECONDS = 0.5;
const COUNTED_SIZES = [100, 1000, 4000];
const COUNTED_SECONDS = 60;

type Sized = { nodes: number; hub: BenchHub; fleet: Fleet; post: number[]; socket: number[]; bytes: number };
type Way = 'post' | 'socket';

export async function growth(args: readonly string[]): Promise<BenchResult> {
  const isShort = args.includes('--short');
  const [rounds, seconds] = isShort ? [2, 2] : [5, 6];
  const folder = await mkdtemp(join(tmpdir(), 'runtime-matrix-bench-'));
  const ending: (() => Promise<void>)[] = [() => rm(folder, { recursive: true, force: true })];
  try {
    const loadBefore = loadavg()[0] ?? 0;
    const sized: Sized[] = [];
    for (const nodes of isShort ? SHORT_SIZES : SIZES) {
      const data = join(folder, String(nodes));
      await mkdir(data);
      const hub = await startHub(data, { FLEET_SHARDS: SHARDS, ARW_RUNTIME_MATRIX_TTL_SEC: TTL_SECONDS });
      ending.push(hub.stop);
      const startedMs = performance.now();
      const sockets = Math.min(SOCKETS, nodes / 2);
      const fleet = await Fleet.start({
        hub,
        nodes,
        sockets,
        floodingSockets: FLOODING_SOCKETS,
        firstReports: FIRST_REPORTS,
      });
      ending.push(() => fleet.stop());
      await keepAwake(fleet, nodes);
      const { anonymousBytes } = await footprintOf(hub.pid);
      sized.push({ nodes, hub, fleet, post: [], socket: [], bytes: anonymousBytes });
      const tookSeconds = ((performance.now() - startedMs) / 1000).toFixed(0);
      process.stdout.write(`${nodes} nodes are enrolled and were heard, after ${tookSeconds} s\n`);
    }
    for (let round = 0; round <= rounds; round += 1) {
      for (const each of sized) {
        for (const way of ['post', 'socket'] as const) {
          const microseconds = await costOf(each, way, seconds);
          // The first round warms up.
          if (round > 0) each[way].push(microseconds);
          process.stdout.write(
            `round ${round}, ${each.nodes} nodes, by ${way}: ${microseconds.toFixed(1)} us a snapshot\n`,
          );
        }
      }
    }
    const watchedAt: Record<number, Watched> = {};
    for (const { nodes, hub, fleet } of sized) watchedAt[nodes] = await watched(hub, fleet, nodes, seconds);
    const fleetWork = await fleetRequestsForASnapshot(join(folder, 'counted'));
    return resultOf(sized, fleetWork, watchedAt, loadBefore);
  } finally {
    for (const finish of ending.toReversed()) await finish();
  }
}

/** CPU time of the hub for one snapshot that it took, in microseconds. */
async function costOf({ hub, fleet, nodes }: Sized, way: Way, seconds: number): Promise<number> {
  await fleet.report(undefined);
  await fleet.flood(way, WARM_SECONDS);
  const before = await cpuSecondsOf(hub.pid);
  const { accepted } = await fleet.flood(way, seconds);
  const used = (await cpuSecondsOf(hub.pid)) - before;
  await keepAwake(fleet, nodes);
  return (used / accepted) * 1e6;
}

async function keepAwake(fleet: Fleet, nodes: number): Promise<void> {
  await fleet.report((nodes / AWAKE_REPORTS_PER_SECOND) * 1000);
}

/** By the number of nodes of one shard. */
async function fleetRequestsForASnapshot(folder: string): Promise<Record<number, number>> {
  await mkdir(folder);
  const hub = await startCountedHub(folder);
  try {
    const work: Record<number, number> = {};
    for (const nodes of COUNTED_SIZES) {
      const counted = await hub.simulate({ way: 'socket', nodes, seconds: COUNTED_SECONDS });
      work[nodes] = counted.fleetRequests / counted.messages;
    }
    return work;
  } finally {
    await hub.stop();
  }
}

function resultOf(
  sized: readonly Sized[],
  fleetWork: Readonly<Record<number, number>>,
  watchedAt: Readonly<Record<number, Watched>>,
  loadBefore: number,
): BenchResult {
  const figures: Record<string, number> = { load_average_before: loadBefore, shards: Number(SHARDS) };
  const claims: BenchResult['claims'] = [];
  for (const way of ['post', 'socket'] as const) {
    const costs = sized.map((each) => median(each[way], 1));
    sized.forEach(({ nodes }, index) => (figures[`cpu_by_${way}_at_${nodes}_us`] = costs[index] ?? 0));
    const times = Math.max(...costs.slice(1).map((each) => each / (costs[0] ?? 0)));
    figures[`most_times_of_the_smallest_by_${way}`] = Number(times.toFixed(2));
    claims.push({
      claim: `by ${way}, a snapshot costs at most ${BAR_TIMES} times what it costs at ${SIZES[0]} nodes`,
      held: times <= BAR_TIMES,
    });
  }
  const [small, large] = [sized[0], sized.at(-1)];
  if (small === undefined || large === undefined) throw new Error('nothing was measured');
  figures['memory_for_a_node_bytes'] = Math.round((large.bytes - small.bytes) / (large.nodes - small.nodes));
  for (const [nodes, work] of Object.entries(fleetWork)) {
    figures[`fleet_requests_for_a_snapshot_at_${nodes}_nodes`] = Number(work.toFixed(5));
  }
  for (const [nodes, { fleetCallsForASnapshot, gridReadMs, cells }] of Object.entries(watchedAt)) {
    figures[`fleet_calls_for_a_snapshot_at_${nodes}_watched_nodes`] = fleetCallsForASnapshot;
    figures[`grid_of_${cells}_cells_at_${nodes}_nodes_ms`] = gridReadMs;
  }
  const works = Object.values(fleetWork);
  claims.push({
    claim: 'what Fleet does for a snapshot goes to 0 as nodes grow',
    held: works.every((work, index) => work === 0 || work < (works[index - 1] ?? Infinity)),
  });
  claims.push({
    claim: 'a snapshot of a known node asks Fleet nothing, also while somebody reads the grid',
    held: Object.values(watchedAt).every(({ fleetCallsForASnapshot: calls }) => calls === 0),
  });
  return { figures, claims };
}
