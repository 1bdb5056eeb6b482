// Counts what a node costs the platform in an hour, and says what 1,000 nodes cost in a month, each price by its name.
// The hub is the real one; its clock is the bench's, see counted-hub/main.ts.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startCountedHub, type Counted } from './fleet/counted-hub.ts';
import type { BenchResult } from './result.ts';

const NODES = 100;
const SECONDS = 3600;
const FLEET = 1000;
const HOURS_A_MONTH = 720;
const BAR_DOLLARS = 10;

/** The platform's paid plan: what it includes each month, and what a million more cost. */
const PRICES = {
  plan: { name: 'the plan itself', dollars: 5 },
  requests: { name: 'object requests', included: 1e6, dollarsPerMillion: 0.15 },
  workerRequests: { name: 'worker requests', included: 10e6, dollarsPerMillion: 0.3 },
  rows: { name: 'rows written', included: 50e6, dollarsPerMillion: 1 },
  duration: { name: 'duration in GB-s', included: 400_000, dollarsPerMillion: 12.5 },
};
/** Messages that come in over a socket are billed as a request for so many. */
const MESSAGES_A_REQUEST = 20;
/** One shard of 128 MB that never sleeps, since somebody of 1,000 nodes always speaks. */
const AWAKE_GB_SECONDS = 0.128 * 3600 * HOURS_A_MONTH;

export async function cost(): Promise<BenchResult> {
  const folder = await mkdtemp(join(tmpdir(), 'runtime-matrix-bench-'));
  try {
    const hub = await startCountedHub(folder);
    try {
      const socket = await hub.simulate({ way: 'socket', nodes: NODES, seconds: SECONDS });
      return resultOf(socket, await hub.simulate({ way: 'post', nodes: NODES, seconds: SECONDS }));
    } finally {
      await hub.stop();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function resultOf(socket: Counted, post: Counted): BenchResult {
  const [bySocket, byPost] = [dollars('by socket', socket), dollars('by POST', post)];
  const figures: Record<string, number> = { simulated_nodes: NODES, simulated_seconds: SECONDS };
  for (const [way, count] of Object.entries({ socket, post })) {
    for (const [name, value] of Object.entries(perNodeHour(count))) {
      figures[`${name}_for_a_node_hour_by_${way}`] = Number(value.toFixed(3));
    }
  }
  return {
    figures: {
      ...figures,
      dollars_a_month_for_1000_nodes_by_socket: bySocket,
      dollars_a_month_for_1000_nodes_by_post: byPost,
    },
    claims: [
      {
        claim: `1,000 nodes by socket for at most $${BAR_DOLLARS} a month`,
        held: bySocket <= BAR_DOLLARS,
      },
      {
        claim: 'no heartbeat asks Fleet for anything',
        held: socket.fleetRequests + post.fleetRequests === 0,
      },
    ],
  };
}

function perNodeHour(
  counted: Counted,
): Record<'rows_written' | 'alarms_set' | 'object_requests' | 'messages', number> {
  return {
    // Each alarm that is set is a row too.
    rows_written: of(counted.rowsWritten + counted.alarmsSet),
    alarms_set: of(counted.alarmsSet),
    object_requests: of(counted.requests + counted.fleetRequests),
    messages: of(counted.messages),
  };
}

function of(count: number): number {
  return count / NODES / (SECONDS / 3600);
}

/** Prints each line of the bill; what it comes to. */
function dollars(way: string, counted: Counted): number {
  const node = perNodeHour(counted);
  const month = (each: number): number => each * FLEET * HOURS_A_MONTH;
  const messages = month(node.messages) / MESSAGES_A_REQUEST;
  const requests = month(node.object_requests) + messages;
  // Each request of a node passes the worker; a message over a socket goes to the object alone.
  const lines = [
    line(PRICES.requests, requests, `${millions(messages)} of them for messages, 20 to one`),
    line(PRICES.workerRequests, month(node.object_requests)),
    line(PRICES.rows, month(node.rows_written), `${millions(month(node.alarms_set))} of them alarms`),
    line(PRICES.duration, AWAKE_GB_SECONDS, 'one object, always awake'),
  ];
  const sum = lines.reduce((total, { cents }) => total + cents, PRICES.plan.dollars * 100) / 100;
  process.stdout.write(`${FLEET} nodes ${way} for 30 days\n  $${PRICES.plan.dollars} ${PRICES.plan.name}\n`);
  for (const { text } of lines) process.stdout.write(`  ${text}\n`);
  process.stdout.write(`  = $${sum.toFixed(2)}\n`);
  return Number(sum.toFixed(2));
}

type Price = { name: string; included: number; dollarsPerMillion: number };

function line(price: Price, used: number, remark = ''): { cents: number; text: string } {
  const due = (Math.max(0, used - price.included) / 1e6) * price.dollarsPerMillion;
  const terms = `${millions(price.included)} included, $${price.dollarsPerMillion} a million`;
  const why = remark === '' ? '' : ` (${remark})`;
  return { cents: due * 100, text: `$${due.toFixed(2)} ${price.name}: ${millions(used)}${why}; ${terms}` };
}

function millions(count: number): string {
  return `${(count / 1e6).toFixed(2)} M`;
}
