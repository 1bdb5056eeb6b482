// Owns the loads of the peers: the same bytes put into etcd, the same figures pushed to a Pushgateway.

import { Connection } from '../fleet/connection.ts';
import { sharedNowMs } from '../fleet/clock.ts';
import { SimulatedHost } from '../fleet/simulated-host.ts';
import { EtcdClient } from './etcd-puts.ts';

const PUSHERS = 4;

/** How many clients put, each over a connection of its own, and how many puts of each are on their way. */
export type Putting = { clients: number; atATime: number };

/** Puts snapshots of so many nodes, one key each; puts per second. */
export async function etcdPuts(
  url: string,
  nodes: number,
  seconds: number,
  { clients: count, atATime }: Putting,
): Promise<number> {
  const hosts = hostsOf(nodes);
  const clients = await Promise.all(Array.from({ length: count }, () => EtcdClient.open(url)));
  let puts = 0;
  const startedMs = sharedNowMs();
  const endMs = startedMs + seconds * 1000;
  const put = async (client: EtcdClient): Promise<void> => {
    while (sharedNowMs() < endMs) {
      const host = hosts[puts % nodes];
      puts += 1;
      if (host !== undefined) await client.put(`/nodes/${host.node}`, host.next(new Date().toISOString()));
    }
  };
  await Promise.all(clients.flatMap((client) => Array.from({ length: atATime }, () => put(client))));
  for (const client of clients) client.close();
  return (puts * 1000) / (sharedNowMs() - startedMs);
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
        // 202 where it was told not to check what it is given.
        if (status !== 200 && status !== 202) throw new Error(`a push was answered ${status}: ${body}`);
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
