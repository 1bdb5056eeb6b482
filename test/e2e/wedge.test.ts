// A real engine that is frozen: it lives, holds its port, and answers nothing.

import { expect, test } from 'vitest';
import { Fleet } from '../support/fleet.ts';

const WEDGE_SECONDS = 6;

test('SIGSTOP of the engine is found within wedge_seconds + 5 s, told, and ended by a restart', async () => {
  const fleet = await Fleet.ready({ wedgeSeconds: WEDGE_SECONDS });
  const pid = (await fleet.status())?.pid ?? 0;

  process.kill(pid, 'SIGSTOP');
  const stoppedAtMs = Date.now();
  const found = await fleet.statusWhere(
    (status) => status.summary.startsWith('Unresponsive for'),
    (WEDGE_SECONDS + 5) * 1000,
  );
  expect(found.state).toBe('degraded');
  expect(Date.now() - stoppedAtMs).toBeLessThan((WEDGE_SECONDS + 5) * 1000);

  // A frozen process does not hear SIGTERM; SIGKILL ends it.
  const again = await fleet.statusWhere((status) => status.state === 'ready' && status.pid !== pid);
  expect(again).toMatchObject({ restarts_total: 1, last_exit: { signal: 'SIGKILL' } });
});
