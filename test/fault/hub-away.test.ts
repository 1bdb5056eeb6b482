// The hub is away: supervision goes on as if nothing were, and the hub that is back is told what happened meanwhile.

import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { enginesOn } from '../support/engine-processes.ts';
import { eventually } from '../support/eventually.ts';
import { Fleet } from '../support/fleet.ts';

const AWAY_MS = process.env['FAULTS'] === 'long' ? 180_000 : 5_000;
/** The longest wait between two tries, and the try. */
const BACK_WITHIN_MS = 35_000;

test('a crash while the hub is away is mended at once, and told when it is back', async () => {
  const fleet = await Fleet.ready();
  const before = await fleet.item();
  const { pid = 0 } = (await fleet.status()) ?? {};

  fleet.hub?.kill('SIGKILL');
  await fleet.hub?.ended;
  const wentAtMs = Date.now();
  process.kill(pid, 'SIGKILL');
  const again = await eventually('another engine', async () => {
    const [engine] = await enginesOn(fleet.enginePort);
    return engine !== pid && engine;
  });
  await eventually('it serves', async () => {
    const answer = await fetch(`${fleet.engineUrl}/health`).catch(() => undefined);
    return answer?.status === 200;
  });

  await delay(Math.max(0, wentAtMs + AWAY_MS - Date.now()));
  expect(await enginesOn(fleet.enginePort)).toEqual([again]);
  expect(fleet.log).toContain('trying again; runtimes are supervised meanwhile');
  await fleet.startHub();
  const item = await fleet.itemWhere(
    (found) => found.uplink === 'open' && found.seq > (before?.seq ?? 0),
    BACK_WITHIN_MS,
  );
  expect(item.boot_id).toBe(before?.boot_id);
  expect(item.runtimes?.[0]?.status).toMatchObject({
    state: 'ready',
    pid: again,
    restarts_total: 1,
    restart_budget: { used: 1, remaining: 2 },
  });
});
