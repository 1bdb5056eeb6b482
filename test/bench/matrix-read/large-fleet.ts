// Owns what reading a matrix of 10,000 nodes costs the hub in memory: it is streamed, and nobody holds it whole.

import { Fleet } from '../fleet/fleet.ts';
import { startHub } from '../fleet/hub.ts';
import { footprintOf } from '../process-footprint.ts';
import { median, quantile, type BenchResult } from '../result.ts';
import { Reader } from './reader.ts';

const NODES = 10_000;
const SHARDS = 8;
const AT_ONCE = 4;
/** By then its heap has the size that so much work has at hand, most of which waits to be collected. */
const WARM_UP_SECONDS = 20;
const SAMPLE_EVERY_MS = 50;
const MATRIX = '/state/runtime_matrix';

export async function largeFleet(
  folder: string,
  seconds: number,
  ending: (() => Promise<void>)[],
): Promise<BenchResult> {
  // They report by POST, once: what is measured is the reading alone.
  const settings = { FLEET_SHARDS: String(SHARDS), ARW_RUNTIME_MATRIX_TTL_SEC: '900' };
  const hub = await startHub(folder, settings);
  ending.push(hub.stop);
  const fleet = await Fleet.start({ hub, nodes: NODES, sockets: 0 });
  ending.push(() => fleet.stop());
  const readers = await Promise.all(Array.from({ length: AT_ONCE }, () => Reader.open(hub.url)));
  const authorization = `Bearer ${hub.token}`;
  const sizes: number[] = [];
  const times: number[] = [];
  const readAll = (goesOn: () => boolean): Promise<void[]> =>
    Promise.all(
      readers.map(async (reader) => {
        while (goesOn()) {
          const { status, bytes, ms } = await reader.read(MATRIX, { authorization });
          if (status !== 200) throw new Error(`${MATRIX} answered ${status}`);
          sizes.push(bytes);
          times.push(ms);
        }
      }),
    );
  const atRest = (await footprintOf(hub.pid)).residentBytes;
  const readForSeconds = async (duration: number): Promise<number[]> => {
    const resident: number[] = [];
    const sampling = setInterval(() => {
      void footprintOf(hub.pid).then(({ residentBytes }) => resident.push(residentBytes));
    }, SAMPLE_EVERY_MS);
    const sinceMs = performance.now();
    await readAll(() => performance.now() - sinceMs < duration * 1000);
    clearInterval(sampling);
    return resident;
  };
  await readForSeconds(WARM_UP_SECONDS);
  const first = sizes.length;
  const startedMs = performance.now();
  const before = median(await readForSeconds(seconds / 2), 1);
  const after = await readForSeconds(seconds / 2);
  const tookSeconds = (performance.now() - startedMs) / 1000;
  for (const reader of readers) reader.close();
  const read = sizes.slice(first);
  const size = Math.min(...read);
  const grown = median(after, 1) - before;
  return {
    figures: {
      large_nodes: NODES,
      large_shards: SHARDS,
      large_answer_bytes: size,
      large_reads: read.length,
      large_readers_at_once: AT_ONCE,
      large_mb_per_second: Math.round(read.reduce((sum, bytes) => sum + bytes, 0) / tookSeconds / 1e6),
      large_p99_ms: quantile(times.slice(first), 0.99),
      large_resident_at_rest_mb: Math.round(atRest / 1e6),
      large_resident_while_read_mb: Math.round(before / 1e6),
      large_resident_most_mb: Math.round(Math.max(...after) / 1e6),
      large_resident_grown_mb: Math.round(grown / 1e6),
    },
    claims: [
      {
        claim: `flat: while ${AT_ONCE} read ${NODES} nodes without pause, memory grows by less than one answer from one half of the time to the other`,
        held: grown < size,
      },
    ],
  };
}
