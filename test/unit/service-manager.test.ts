// How often systemd wants a proof of life: half of what it allows, and only of the process that it means.

import { expect, test } from 'vitest';
import { watchdogIntervalMs } from '../../reporter/service-manager.ts';

test.each<[string, Record<string, string>, number | undefined]>([
  ['half of what is allowed', { WATCHDOG_USEC: '60000000' }, 30_000],
  ['of this process', { WATCHDOG_USEC: '60000000', WATCHDOG_PID: '7' }, 30_000],
  ['not of another', { WATCHDOG_USEC: '60000000', WATCHDOG_PID: '8' }, undefined],
  ['no watchdog', {}, undefined],
  ['one that is switched off', { WATCHDOG_USEC: '0' }, undefined],
  ['nonsense', { WATCHDOG_USEC: 'soon' }, undefined],
])('%s', (_what, env, everyMs) => {
  expect(watchdogIntervalMs(env, 7)).toBe(everyMs);
});
