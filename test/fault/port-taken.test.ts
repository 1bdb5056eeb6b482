// A stranger's server holds the port of a runtime: before its launch, and between the check and the bind.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { Program } from '../../scripts/fleet/program.ts';
import { eventually } from '../support/eventually.ts';
import { Fleet, RUNTIME } from '../support/fleet.ts';

/** It is looked at again every 15 s, and starts then. */
const LOOKED_AGAIN_WITHIN_MS = 30_000;

const STRANGER = fileURLToPath(new URL('../fixtures/programs/stranger.ts', import.meta.url));

async function strangerOn(port: number): Promise<Program> {
  const stranger = new Program({
    name: 'the stranger',
    args: [STRANGER, String(port)],
    env: process.env,
    readyLine: /^stranger ready$/,
  });
  onTestFinished(async () => void (await stranger.stop()));
  await stranger.ready;
  return stranger;
}

function blockedBy(stranger: Program, port: number): string {
  const holder = `process ${stranger.pid} (node)`;
  return `Port ${port} on 127.0.0.1 is in use by ${holder}; stop that one or choose another port`;
}

test('before the launch: it is blocked, names who holds the port, and comes back by itself', async () => {
  const fleet = await Fleet.prepare();
  const stranger = await strangerOn(fleet.enginePort);
  await fleet.startHub();
  await fleet.startReporter();

  const blocked = await fleet.statusWhere((status) => status.state === 'error');
  expect(blocked).toMatchObject({
    summary: blockedBy(stranger, fleet.enginePort),
    restarts_total: 0,
    restart_budget: { used: 0 },
  });

  await stranger.stop();
  const ready = await fleet.statusWhere((status) => status.state === 'ready', LOOKED_AGAIN_WITHIN_MS);
  expect(ready).toMatchObject({ restarts_total: 0, restart_budget: { used: 0 } });
});

test('between the check and the bind: its answers never pass for those of the runtime', async () => {
  const fleet = await Fleet.prepare({ wrapper: true });
  const go = join(fleet.directory, 'go');
  await fleet.writeWrapper(`while [ ! -e '${go}' ]; do sleep 0.05; done; exec "$LLAMA_SERVER" "$@"`);
  await fleet.startHub();
  await fleet.startReporter();
  await fleet.statusWhere((status) => status.pid !== undefined);

  // The launch was found possible, and nobody listens yet.
  const stranger = await strangerOn(fleet.enginePort);
  const holder = `process ${stranger.pid} (node)`;
  const told = await fleet.statusWhere((status) => status.summary.includes('is answered by'));
  expect(told).toMatchObject({
    state: 'starting',
    summary: `Port ${fleet.enginePort} is answered by ${holder}, not by this runtime`,
  });

  // The real one finds its port taken and ends; the launch after it is blocked before it spends anything.
  await writeFile(go, '');
  const blocked = await fleet.statusWhere((status) => status.state === 'error');
  expect(blocked).toMatchObject({
    summary: blockedBy(stranger, fleet.enginePort),
    last_exit: { code: 1 },
    restarts_total: 0,
  });
  await eventually('why it ended', () => fleet.log.includes('it could not bind its port'));
  expect(fleet.log).not.toContain(`${RUNTIME}: Ready`);

  await stranger.stop();
  const ready = await fleet.statusWhere((status) => status.state === 'ready', LOOKED_AGAIN_WITHIN_MS);
  expect(ready).toMatchObject({ restarts_total: 1, restart_budget: { used: 1 } });
});
