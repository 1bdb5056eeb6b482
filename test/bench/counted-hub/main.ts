// The hub with counters in it: the real objects on the real SQLite of workerd, whose clock and alarm are the bench's, so
// that an hour of heartbeats takes seconds. What is counted is what the platform bills.

import type { HealthResponse } from '../../../contract/node-api.ts';
import type { Env } from '../../../worker/env.ts';
import { Fleet } from '../../../worker/objects/fleet.ts';
import { NodeShard } from '../../../worker/objects/node-shard.ts';
import type { Claim } from '../../../worker/objects/rpc.ts';
import { uplinkRequest } from '../../../worker/objects/stubs.ts';
import { SimulatedHost } from '../fleet/simulated-host.ts';

export { Fleet, CountedShard as NodeShard };

export type Counted = {
  /** Requests to the shard: upgrades, POSTs. Messages over sockets are told apart. */
  requests: number;
  messages: number;
  /** Requests of the shard to Fleet. */
  fleetRequests: number;
  rowsWritten: number;
  alarmsSet: number;
};

export type Simulation = { way: 'socket' | 'post'; nodes: number; seconds: number };

/** A runtime of each node fails and comes back once in so long: what changes is written at once. */
const CHANGES_EVERY_MS = 3_600_000;
const DOWN_MS = 30_000;
const START_MS = Date.parse('2026-11-22T12:00:00.000Z');
const TOKEN_HASH = 'hash';

let nowMs = START_MS;
Date.now = () => nowMs;

const counted: Counted = { requests: 0, messages: 0, fleetRequests: 0, rowsWritten: 0, alarmsSet: 0 };
let alarmAt: number | undefined;
let simulations = 0;

class CountedShard extends NodeShard {
  readonly #state: DurableObjectState;

  constructor(state: DurableObjectState, env: Env) {
    countStorage(state.storage);
    super(state, {
      ...env,
      FLEET: countedNamespace(env.FLEET),
      NODE_SHARD: onlyShard(env.NODE_SHARD, state),
    });
    this.#state = state;
  }

  /** Nodes report at the pace that they are told, for so long after each has told its first snapshot. */
  async simulate({ way, nodes, seconds }: Simulation): Promise<Counted> {
    const hosts = Array.from(
      { length: nodes },
      (_, index) => new SimulatedHost(`sim-${index}`, index, 'boot'),
    );
    const due = new Map<SimulatedHost, number>();
    for (const host of hosts) {
      nowMs += 5;
      if (way === 'socket') await this.#link(host.node);
      due.set(host, nowMs + (await this.#report(way, host)));
    }
    const before = { ...counted };
    const endMs = nowMs + seconds * 1000;
    for (;;) {
      let next: [SimulatedHost, number] | undefined;
      for (const entry of due) if (next === undefined || entry[1] < next[1]) next = entry;
      if (next === undefined || next[1] > endMs) break;
      if (alarmAt !== undefined && alarmAt <= next[1]) {
        nowMs = Math.max(nowMs, alarmAt);
        alarmAt = undefined;
        await this.alarm();
        continue;
      }
      const [host, at] = next;
      nowMs = Math.max(nowMs, at);
      due.set(host, nowMs + (await this.#report(way, host)));
    }
    return {
      requests: counted.requests - before.requests,
      messages: counted.messages - before.messages,
      fleetRequests: counted.fleetRequests - before.fleetRequests,
      rowsWritten: counted.rowsWritten - before.rowsWritten,
      alarmsSet: counted.alarmsSet - before.alarmsSet,
    };
  }

  async #link(node: string): Promise<void> {
    counted.requests += 1;
    const answer = await this.fetch(uplinkRequest(node, TOKEN_HASH));
    answer.webSocket?.accept();
    const hello = { type: 'hello', node, boot_id: 'boot', reporter: { version: '0.1.0' } };
    await this.#say(node, JSON.stringify(hello));
  }

  /** In how many milliseconds the node reports again. */
  async #report(way: Simulation['way'], host: SimulatedHost): Promise<number> {
    host.state = (nowMs - START_MS) % CHANGES_EVERY_MS < DOWN_MS ? 'error' : 'ready';
    const text = host.next(new Date(nowMs).toISOString());
    if (way === 'post') {
      counted.requests += 1;
      const answer = await this.health(host.node, TOKEN_HASH, text);
      if (!answer.ok) throw new Error(answer.problem.detail);
      const { interval_ms: intervalMs }: HealthResponse = JSON.parse(answer.value);
      return intervalMs;
    }
    return this.#say(host.node, `{"type":"health","snapshot":${text}}`);
  }

  /** The pace that the node was told last: what its socket carries is what the hub knows of it. */
  async #say(node: string, text: string): Promise<number> {
    const [socket] = this.#state.getWebSockets(node);
    if (socket === undefined) throw new Error(`node ${node} has no socket`);
    counted.messages += 1;
    await this.webSocketMessage(socket, text);
    const carried: { pace: { intervalMs: number } | null } = socket.deserializeAttachment();
    return carried.pace?.intervalMs ?? 0;
  }
}

function countStorage(storage: DurableObjectStorage): void {
  const { sql } = storage;
  const exec = sql.exec.bind(sql);
  Object.defineProperty(sql, 'exec', {
    value: (query: string, ...values: unknown[]) => {
      const cursor = exec(query, ...values);
      counted.rowsWritten += cursor.rowsWritten;
      return cursor;
    },
  });
  Object.defineProperty(storage, 'setAlarm', {
    value: (at: number) => {
      counted.alarmsSet += 1;
      alarmAt = at;
      return Promise.resolve();
    },
  });
}

/** Whatever it is called here, it takes itself for the one shard that there is. */
function onlyShard(namespace: Env['NODE_SHARD'], { id }: DurableObjectState): Env['NODE_SHARD'] {
  return {
    getByName: (name) => namespace.getByName(name),
    idFromName: () => id,
    jurisdiction: (name) => namespace.jurisdiction(name),
  };
}

/** Fleet with every node in its registry: enrolments are no part of what is counted. */
function countedNamespace(namespace: Env['FLEET']): Env['FLEET'] {
  return {
    idFromName: (name) => namespace.idFromName(name),
    getByName: (name, options) =>
      new Proxy(namespace.getByName(name, options), {
        get: (stub, member) => {
          counted.fleetRequests += 1;
          return member === 'claim' ? claim : Reflect.get(stub, member);
        },
      }),
    jurisdiction: (name) => countedNamespace(namespace.jurisdiction(name)),
  };
}

async function claim(node: string): Promise<Claim> {
  const tokens = [{ hash: TOKEN_HASH, until: null }];
  return { node, former: [], moves: 0, credentials: { node, commandKey: 'a2V5', tokens } };
}

type CountedEnv = Omit<Env, 'NODE_SHARD'> & { NODE_SHARD: { getByName: (name: string) => CountedShard } };

export default {
  async fetch(request: Request, env: CountedEnv): Promise<Response> {
    if (request.method !== 'POST') return new Response('ok');
    const simulation: Simulation = await request.json();
    simulations += 1;
    alarmAt = undefined;
    const shard = env.NODE_SHARD.getByName(`shard-${simulations}`);
    return Response.json(await shard.simulate(simulation));
  },
};
