// Owns the check of a port: free, held by the runtime's own process, or by somebody else, who is named.

import { foreignListener, listenerOn } from '../../system/listeners.ts';
import { portFault } from '../backends/preflight.ts';
import { fail, ok, skipped, type Finding } from './finding.ts';

const THIS_HOST = /^(localhost|127\.|0\.0\.0\.0$|\[?::1?\]?$)/;

/** @param ownPid the process that an earlier start of this runtime is remembered as. */
export async function checkPort(
  check: string,
  origin: string,
  ownPid: number | undefined,
): Promise<Finding[]> {
  const url = new URL(origin);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80));
  if (!THIS_HOST.test(host)) return [skipped(check, `port ${port} is on ${host}, not on this host`)];
  if ((await portFault(host, port)) === undefined) return [ok(check, `port ${port} is free`)];
  const holder = await listenerOn(host, port);
  if (holder === undefined) {
    return [
      fail(
        check,
        `port ${port} is in use, by a process that this user may not see`,
        `find it with "sudo ss -ltnp sport = :${port}", and stop it or choose another port`,
      ),
    ];
  }
  if (ownPid !== undefined && (await foreignListener(host, port, ownPid)) === undefined) {
    return [ok(check, `port ${port} is held by its own process ${ownPid}`)];
  }
  return [
    fail(
      check,
      `port ${port} is held by process ${holder.pid} (${holder.program})`,
      'stop that one, or choose another port in the manifest',
    ),
  ];
}
