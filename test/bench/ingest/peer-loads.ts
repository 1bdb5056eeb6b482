// Owns the loads of the peers: the same bytes put into etcd, the same figures pushed to a Pushgateway.

import { Connection } from '../fleet/connection.ts';
import { sharedNowMs } from '../fleet/clock.ts';
import { SimulatedHost } from '../fleet/simulated-host.ts';
import { EtcdClient } from './etcd-puts.ts';

const ETCD_CLIENTS = 4;
const PUTS_AT_A_TIME = 64;
const PUSHERS = 4;

/** Puts snapshots of so many nodes, one key each; puts per second. */
export async function etcdPuts(url: string, nodes: number, seconds: number): Promise<number> {
  const hosts = hostsOf(nodes);
  const clients = await Promise.all(Array.from({ length: ETCD_CLIENTS }, () => EtcdClient.open(url)));
  let count = 0;
  const startedMs = sharedNowMs();
  const endMs = startedMs + seconds * 1000;
  const put = async (client: EtcdClient): Promise<void> => {
    while (sharedNowMs() < endMs) {
      const host = hosts[count % nodes];
      count += 1;
      if (host !== undefined) await client.put(`/nodes/${host.node}`, host.next(new Date().toISOString()));
    }
  };
  await Promise.all(clients.flatMap((client) => Array.from({ length: PUTS_AT_A_TIME }, () => put(client))));
  for (const client of clients) client.close();
  return (count * 1000) / (sharedNowMs() - startedMs);
}

/** Pushes until every node has its group. */
export async function fillPushgateway(url: string, nodes: number): Promise<void> {
  await push(url, hostsOf(nodes), (count) => count < nodes);
}

/** Pushes of so many nodes, each into its own group; pushes per second. */
export async function pushes(url: string, nodes: number, seconds: number): Promise<number> {
  const startedMs = sharedNowMs();
  const endMs = startedMs + seconds * 1000;
  const count = await push(url, hostsOf(nodes), () => sharedNowMs() < endMs);
  return (count * 1000) / (sharedNowMs() - startedMs);
}

async function push(
  url: string,
  hosts: readonly SimulatedHost[],
  goesOn: (count: number) => boolean,
): Promise<number> {
  const connections = await Promise.all(Array.from({ length: PUSHERS }, () => Connection.open(url)));
  let count = 0;
  await Promise.all(
    connections.map(async (connection) => {
      while (goesOn(count)) {
        const host = hosts[count % hosts.length];
        count += 1;
        if (host === undefined) continue;
        const head = connection.head('PUT', `/metrics/job/reporter/instance/${host.node}`);
        const { status, body } = await connection.ask(head, exposition(host.next('')));
        if (status !== 200) throw new Error(`a push was answered ${status}: ${body}`);
      }
    }),
  );
  for (const connection of connections) connection.close();
  return count;
}

function hostsOf(nodes: number): SimulatedHost[] {
  return Array.from({ length: nodes }, (_, index) => new SimulatedHost(`peer-${index}`, index, 'boot'));
}

/** Every figure of the snapshot as a gauge, named by its path: what a Pushgateway can hold of it. */
function exposition(snapshot: string): string {
  const lines: string[] = [];
  const visit = (path: string, value: unknown): void => {
    if (typeof value === 'number') lines.push(`# TYPE ${path} gauge\n${path} ${value}\n`);
    else if (typeof value === 'object' && value !== null) {
      for (const [key, member] of Object.entries(value)) visit(`${path}_${key.replace(/\W/g, '_')}`, member);
    }
  };
  visit('arw', JSON.parse(snapshot));
  return lines.join('');
}
