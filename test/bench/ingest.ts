// Measures how many snapshots one shard takes: real, validated, over 500 sockets, and by POST, with etcd and a
// Pushgateway in the same rounds. Everything runs on the cores of one machine, the load included.

import { mkdtemp, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Fleet } from './fleet/fleet.ts';
import { startHub } from './fleet/hub.ts';
import { optional, startEtcd, startPushgateway } from './fleet/peers.ts';
import { SimulatedHost } from './fleet/simulated-host.ts';
import { etcdPuts, fillPushgateway, pushes } from './ingest/peer-loads.ts';
import { cpuSecondsOf } from './process-footprint.ts';
import { median, type BenchResult } from './result.ts';

const SOCKETS = 500;
const POSTING = 100;
const PEER_NODES = 1000;
const BARS = { socketsPerSecond: 15_000, postsPerSecond: 3000, timesEtcd: 2, timesPushgateway: 100 };

/** Snapshots of one node on their way. The last asks for a word back, as a reporter does once in its life. */
const AT_A_TIME = 32;
/** etcd has a client for each node too; of twice as many on their way at a time it refuses some. */
const PUTTING = { clients: SOCKETS, atATime: 8 };
/** Told beside it: what etcd does for few clients that share what they send. */
const PUTTING_TOGETHER = { clients: 4, atATime: 64 };

type Rates = Record<'socket' | 'post' | 'etcd' | 'etcdTogether' | 'pushgateway' | 'hubCpu', number[]>;

/** `--short` for who develops: fewer and shorter rounds, under the same bars. */
export async function ingest(args: readonly string[]): Promise<BenchResult> {
  const [rounds, seconds] = args.includes('--short') ? [2, 3] : [5, 6];
  const folder = await mkdtemp(join(tmpdir(), 'runtime-matrix-bench-'));
  const ending: (() => Promise<void>)[] = [() => rm(folder, { recursive: true, force: true })];
  try {
    const loadBefore = loadavg()[0] ?? 0;
    const hub = await startHub(folder);
    ending.push(hub.stop);
    const fleet = await Fleet.start({
      hub,
      nodes: SOCKETS + POSTING,
      sockets: SOCKETS,
      atATime: AT_A_TIME,
    });
    ending.push(() => fleet.stop());
    const etcd = await optional('etcd-server', () => startEtcd(folder));
    if (etcd !== undefined) ending.push(etcd.stop);
    const gateway = await optional('prometheus-pushgateway', () =>
      startPushgateway(folder, (url) => fillPushgateway(url, PEER_NODES)),
    );
    if (gateway !== undefined) ending.push(gateway.stop);
    const rates: Rates = { socket: [], post: [], etcd: [], etcdTogether: [], pushgateway: [], hubCpu: [] };
    // What is warm is measured: the first words of a new process are not its pace.
    await fleet.flood('socket', 2);
    await fleet.flood('post', 2);
    for (let round = 1; round <= rounds; round += 1) {
      const cpuBefore = await cpuSecondsOf(hub.pid);
      const bySocket = await fleet.flood('socket', seconds);
      rates.hubCpu.push(((await cpuSecondsOf(hub.pid)) - cpuBefore) / bySocket.accepted);
      rates.socket.push(bySocket.accepted / bySocket.seconds);
      if (etcd !== undefined) {
        rates.etcd.push(await etcdPuts(etcd.url, PEER_NODES, seconds, PUTTING));
        rates.etcdTogether.push(await etcdPuts(etcd.url, PEER_NODES, seconds, PUTTING_TOGETHER));
      }
      if (gateway !== undefined) rates.pushgateway.push(await pushes(gateway.url, PEER_NODES, seconds));
      const byPost = await fleet.flood('post', seconds);
      rates.post.push(byPost.accepted / byPost.seconds);
      const told = Object.entries(rates).map(([way, all]) => `${way} ${all.at(-1)?.toPrecision(5)}`);
      process.stdout.write(`round ${round}, a second: ${told.join(', ')}\n`);
    }
    return resultOf(rates, loadBefore);
  } finally {
    for (const finish of ending.toReversed()) await finish();
  }
}

function resultOf(rates: Rates, loadBefore: number): BenchResult {
  const socket = median(rates.socket, 0);
  const post = median(rates.post, 0);
  const figures: Record<string, number> = {
    load_average_before: loadBefore,
    snapshot_bytes: new SimulatedHost('sim-100', 100, 'boot-1').next(new Date().toISOString()).length,
    sockets: SOCKETS,
    accepted_by_socket_per_second: socket,
    hub_cpu_for_one_by_socket_us: median(
      rates.hubCpu.map((each) => each * 1e6),
      1,
    ),
    accepted_by_post_per_second: post,
  };
  const claims = [
    { claim: `by socket at least ${BARS.socketsPerSecond} a second`, held: socket >= BARS.socketsPerSecond },
    { claim: `by POST at least ${BARS.postsPerSecond} a second`, held: post >= BARS.postsPerSecond },
  ];
  if (rates.etcd.length > 0) {
    const times = median(rates.socket.map((each, round) => each / (rates.etcd[round] ?? 0)));
    Object.assign(figures, {
      etcd_puts_per_second: median(rates.etcd, 0),
      etcd_puts_per_second_over_4_connections: median(rates.etcdTogether, 0),
      times_etcd: times,
    });
    claims.push({
      claim: `at least ${BARS.timesEtcd} times the puts of etcd`,
      held: times >= BARS.timesEtcd,
    });
  }
  if (rates.pushgateway.length > 0) {
    const times = median(rates.socket.map((each, round) => each / (rates.pushgateway[round] ?? 0)));
    const perSecond = median(rates.pushgateway, 1);
    Object.assign(figures, { pushgateway_pushes_per_second: perSecond, times_pushgateway: times });
    claims.push({
      claim: `at least ${BARS.timesPushgateway} times the pushes of a Pushgateway with ${PEER_NODES} groups`,
      held: times >= BARS.timesPushgateway,
    });
  }
  return { figures, claims };
}
