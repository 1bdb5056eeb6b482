// Owns the peers of the hub's benches: etcd and Prometheus Pushgateway as Debian ships them, each with its data in a
// folder of the bench. One that cannot be had is named as missing; in CI that fails the bench.

import { join } from 'node:path';
import { freePort } from '../../../scripts/fleet/free-port.ts';
import { startPeer, type Peer } from './debian-peer.ts';

export async function startEtcd(folder: string): Promise<Peer> {
  const [client, peer] = [await freePort(), await freePort()];
  const [url, peerUrl] = [`http://127.0.0.1:${client}`, `http://127.0.0.1:${peer}`];
  const settings = {
    'data-dir': join(folder, 'etcd'),
    name: 'bench',
    'log-level': 'error',
    'listen-client-urls': url,
    'advertise-client-urls': url,
    'listen-peer-urls': peerUrl,
    'initial-advertise-peer-urls': peerUrl,
    'initial-cluster': `bench=${peerUrl}`,
    // Every put is kept, and there are more of them than the 2 GB that it takes by itself.
    'quota-backend-bytes': String(8 * 1024 ** 3),
  };
  const args = Object.entries(settings).map(([name, value]) => `--${name}=${value}`);
  return startPeer({ package: 'etcd-server', binary: 'etcd' }, args, url, '/health');
}

/**
 * @param filled pushes what it is to hold before it is measured: without the check of every push against all that it
 * holds, which is on afterwards, as it is by default
 */
export async function startPushgateway(
  folder: string,
  filled: (url: string) => Promise<void> = async () => undefined,
): Promise<Peer> {
  const filling = await pushgateway(folder, ['--push.disable-consistency-check']);
  try {
    await filled(filling.url);
  } finally {
    await filling.stop();
  }
  return pushgateway(folder, []);
}

async function pushgateway(folder: string, more: readonly string[]): Promise<Peer> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const file = `--persistence.file=${join(folder, 'pushgateway')}`;
  const args = [`--web.listen-address=127.0.0.1:${port}`, '--log.level=error', file, ...more];
  const program = { package: 'prometheus-pushgateway', binary: 'prometheus-pushgateway' };
  return startPeer(program, args, url, '/-/ready');
}

/** The peer, or undefined where it cannot be had and this is no CI: then its name is told. */
export async function optional(name: string, start: () => Promise<Peer>): Promise<Peer | undefined> {
  try {
    return await start();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    if (process.env['CI']) throw new Error(`the peer ${name} is missing: ${reason}`, { cause: error });
    process.stdout.write(`MISSING peer ${name}: ${reason}\n`);
    return undefined;
  }
}
