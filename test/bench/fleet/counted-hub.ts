// Owns the hub whose clock is the bench's and which counts what the platform bills; see ../counted-hub/main.ts.

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { buildWorker } from '../../../selfhost/build-worker.ts';
import { startWorkerd } from '../../../selfhost/workerd.ts';

const CountedSchema = v.object({
  requests: v.number(),
  messages: v.number(),
  fleetRequests: v.number(),
  rowsWritten: v.number(),
  alarmsSet: v.number(),
});
/** What so many nodes cost in so many seconds, after each has told its first snapshot. */
export type Counted = v.InferOutput<typeof CountedSchema>;

export type Simulation = { way: 'socket' | 'post'; nodes: number; seconds: number };

export type CountedHub = {
  /** One simulation after the other, each with a shard of its own. */
  simulate: (simulation: Simulation) => Promise<Counted>;
  stop: () => Promise<void>;
};

/** @param folder an empty one */
export async function startCountedHub(folder: string): Promise<CountedHub> {
  await buildWorker(join(folder, 'main.js'), 'test/bench/counted-hub/main.ts');
  const settings: object = JSON.parse(await readFile(join(folder, 'worker.json'), 'utf8'));
  const config = join(folder, 'hub.jsonc');
  await writeFile(config, JSON.stringify({ name: 'hub', main: 'main.js', no_bundle: true, ...settings }));
  const address = { host: '127.0.0.1', port: 0 };
  const { url, stop } = await startWorkerd(config, folder, address, new AbortController().signal);
  const simulate = async (simulation: Simulation): Promise<Counted> => {
    const answer = await fetch(url, { method: 'POST', body: JSON.stringify(simulation) });
    if (!answer.ok) throw new Error(`the simulation was answered ${answer.status}: ${await answer.text()}`);
    return v.parse(CountedSchema, await answer.json());
  };
  return { simulate, stop };
}
