// Owns a hub for integration tests: the real worker in workerd, asked over real HTTP, its objects evicted on demand.

import { fileURLToPath } from 'node:url';
import { createTestHarness, type TestHarness, type TestHarnessOptions } from 'wrangler';
import * as v from 'valibot';
import {
  EnrollResponseSchema,
  JoinTokenResponseSchema,
  type EnrollResponse,
} from '../../contract/node-api.ts';
import { ProblemSchema, problemReason, type ProblemReason } from '../../contract/problem.ts';
import { MatrixSchema, type Matrix } from '../../contract/read-models.ts';
import type { Snapshot } from '../../contract/snapshot.ts';
import { shardOf } from '../../worker/domain/shard-of.ts';
import { UplinkClient } from './uplink-client.ts';

type KeyClaimants = {
  NODE_SHARD: { getByName(name: string): { claimActionKey(key: string, node: string): Promise<string> } };
};
type FleetCounts = { FLEET: { getByName(name: string): { subscribers(): Promise<number> } } };

const CONFIG = fileURLToPath(new URL('../../wrangler.toml', import.meta.url));
const POLL_MS = 5;
/** No claim about how soon: a machine that is busy takes its time. */
const WITHIN_MS = 10_000;

export const ADMIN_TOKEN = 'test-admin-token';

export type HubOptions = { vars?: Record<string, string> };
export type Sent = {
  method?: string;
  token?: string | null;
  headers?: Record<string, string>;
  body?: unknown;
};
type ObjectName = { class: 'NodeShard' | 'Fleet'; name: string };

export const FLEET: ObjectName = { class: 'Fleet', name: 'fleet' };
export const SHARD: ObjectName = { class: 'NodeShard', name: 'shard-0' };

export class Hub {
  url: URL;
  readonly #harness: TestHarness;

  private constructor(harness: TestHarness, url: URL) {
    this.#harness = harness;
    this.url = url;
  }

  static async start({ vars = {} }: HubOptions = {}): Promise<Hub> {
    const harness = createTestHarness(options(vars));
    const { url } = await harness.listen();
    return new Hub(harness, url);
  }

  async stop(): Promise<void> {
    await this.#harness.close();
  }

  /** The same hub with other settings, as a deploy leaves it: storage stays, memory and sockets do not. */
  async redeploy(vars: Record<string, string>): Promise<void> {
    await this.#harness.update(options(vars));
    this.url = (await this.#harness.listen()).url;
  }

  /** One request over HTTP, as an admin unless another token, or null for none, is given. Text is sent as it is. */
  async ask(
    path: string,
    { method = 'GET', token = ADMIN_TOKEN, headers = {}, body }: Sent = {},
  ): Promise<Response> {
    const sent = new Headers(headers);
    if (token !== null) sent.set('authorization', `Bearer ${token}`);
    if (body !== undefined && !sent.has('content-type')) sent.set('content-type', 'application/json');
    const bytes = body instanceof Uint8Array ? Buffer.from(body) : undefined;
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    return fetch(new URL(path, this.url), {
      method,
      headers: sent,
      ...(body !== undefined && { body: bytes ?? text }),
    });
  }

  async enroll(node: string): Promise<EnrollResponse> {
    const made = await this.ask('/join-tokens', { method: 'POST', body: {} });
    const { join_token: joinToken } = v.parse(JoinTokenResponseSchema, await made.json());
    const body = { join_token: joinToken, node };
    const enrolled = await this.ask('/nodes/enroll', { method: 'POST', token: null, body });
    return v.parse(EnrollResponseSchema, await enrolled.json());
  }

  /** The POST heartbeat. */
  async post(node: string, token: string, snapshot: Snapshot | object): Promise<Response> {
    return this.ask(`/nodes/${node}/health`, { method: 'POST', token, body: snapshot });
  }

  async uplink(node: string, token: string, features?: string[]): Promise<UplinkClient> {
    return UplinkClient.admitted(this.url, node, token, features);
  }

  async matrix(query = ''): Promise<Matrix> {
    const response = await this.ask(`/state/runtime_matrix${query}`);
    return v.parse(MatrixSchema, await response.json());
  }

  /** Reads the matrix until it is as wanted: it may be as old as a cut window. */
  async matrixWhere(isWanted: (matrix: Matrix) => boolean, withinMs = WITHIN_MS): Promise<Matrix> {
    return until(() => this.matrix(), isWanted, withinMs);
  }

  async evict(
    { class: className, name }: ObjectName,
    webSockets: 'hibernate' | 'close' = 'hibernate',
  ): Promise<void> {
    await this.#harness.getWorker().evictDurableObject(className, { name, webSockets });
  }

  /** As a worker that chose the node for an action under the key, and has not begun it yet. */
  async claimActionKey(key: string, node: string, shards: number): Promise<string> {
    const env = await this.#harness.getWorker<KeyClaimants>().getEnv();
    return env.NODE_SHARD.getByName(`shard-${shardOf(key, shards)}`).claimActionKey(key, node);
  }

  /** How many subscribe to events, as Fleet has it. */
  async subscribers(): Promise<number> {
    const env = await this.#harness.getWorker<FleetCounts>().getEnv();
    return env.FLEET.getByName('fleet').subscribers();
  }

  /** Runs SQL in an object; it starts the object if it sleeps, so an eviction comes after it. */
  async sql(object: ObjectName, query: string, ...values: unknown[]): Promise<Record<string, unknown>[]> {
    const storage = await this.#harness
      .getWorker()
      .getDurableObjectStorage(object.class, { name: object.name });
    return storage.exec(query, ...values);
  }

  /** Waits until Fleet was told of every event that the shards have: that is under way when a node gets its answer. */
  async toldFleet(shards: readonly ObjectName[] = [SHARD]): Promise<void> {
    for (const shard of shards) {
      await until(
        () => this.sql(shard, 'SELECT id FROM untold_events'),
        (rows) => rows.length === 0,
      );
    }
  }

  logs(): string {
    return this.#harness
      .getLogs()
      .map(({ message }) => message)
      .join('\n');
  }
}

function options(vars: Record<string, string>): TestHarnessOptions {
  return { workers: [{ configPath: CONFIG, vars, secrets: { ARW_ADMIN_TOKEN: ADMIN_TOKEN } }] };
}

/** Asks again until the answer is as wanted. A wait that ends is a failure that shows what came instead. */
export async function until<T>(
  ask: () => Promise<T>,
  isWanted: (answer: T) => boolean,
  withinMs = WITHIN_MS,
): Promise<T> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (isWanted(answer)) return answer;
    if (Date.now() > deadline) {
      throw new Error(
        `Not as wanted within ${withinMs} ms: ${JSON.stringify(answer, null, 1)?.slice(0, 4000)}`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** The reason of a problem document, whose media type and status member are checked on the way. */
export async function reasonOf(response: Response): Promise<ProblemReason | undefined> {
  if (response.headers.get('content-type') !== 'application/problem+json') {
    throw new Error(`Not a problem document: ${response.status} ${await response.text()}`);
  }
  const document = v.parse(ProblemSchema, await response.json());
  if (document.status !== response.status)
    throw new Error(`Status ${response.status} but ${document.status} inside`);
  return problemReason(document);
}
