// Owns what a fleet costs that somebody watches: how often the object Fleet is asked while snapshots come as fast as the
// hub takes them and the grid is read four times a second, and how long such a read takes. Cells stay the same.

import * as v from 'valibot';
import parsePrometheus from 'parse-prometheus-text-format';
import { GridSchema } from '../../../contract/grid.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { BenchHub } from '../fleet/hub.ts';
import { median } from '../result.ts';

const READ_EVERY_MS = 250;

export type Watched = { fleetCallsForASnapshot: number; gridReadMs: number; cells: number };

/** @throws where the grid does not have all nodes: a fast read of something else is no figure. */
export async function watched(hub: BenchHub, fleet: Fleet, nodes: number, seconds: number): Promise<Watched> {
  // The first read of a life asks for the nodes that may have to come home.
  await ask(hub, '/state/runtime_grid');
  const before = await fleetCalls(hub);
  const flood = fleet.flood('socket', seconds);
  const endMs = performance.now() + seconds * 1000;
  const readsMs: number[] = [];
  let cells = 0;
  while (performance.now() < endMs) {
    const startMs = performance.now();
    const text = await ask(hub, '/state/runtime_grid');
    readsMs.push(performance.now() - startMs);
    const grid = v.parse(GridSchema, JSON.parse(text));
    if (grid.totals.nodes !== nodes) throw new Error(`the grid has ${grid.totals.nodes} nodes, not ${nodes}`);
    cells = grid.cells.length;
    await new Promise((resolve) => setTimeout(resolve, READ_EVERY_MS));
  }
  const { accepted } = await flood;
  if (accepted === 0) throw new Error('no snapshot was accepted');
  const calls = (await fleetCalls(hub)) - before;
  return { fleetCallsForASnapshot: calls / accepted, gridReadMs: median(readsMs, 1), cells };
}

/** As the hub counts them itself, which it does not where there were none; its own alarm is no question of a shard. */
async function fleetCalls(hub: BenchHub): Promise<number> {
  const families = parsePrometheus(await ask(hub, '/metrics'));
  if (!families.some(({ name }) => name === 'arw_object_start_time_seconds'))
    throw new Error('the hub does not tell what its objects did');
  const calls = families.find(({ name }) => name === 'arw_fleet_calls_total')?.metrics ?? [];
  const asked = calls.filter(({ labels }) => labels?.['call'] !== 'alarm');
  return asked.reduce((sum, { value }) => sum + Number(value), 0);
}

async function ask({ url, token }: BenchHub, path: string): Promise<string> {
  const answer = await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${token}` } });
  if (answer.status !== 200) throw new Error(`${path} was answered with ${answer.status}`);
  return answer.text();
}
