// Owns the registry of nodes and the join tokens. A shard that must know of a change is told before the operator is
// answered; where that fails, the change stays noted and the alarm tells it later.

import { DurableObject } from 'cloudflare:workers';
import { problem, type Problem } from '../../contract/problem.ts';
import type { FleetCounters } from '../domain/counters.ts';
import { rotate, type Credentials } from '../domain/credentials.ts';
import { earliest } from '../domain/next-alarm.ts';
import { fail, type Result } from '../domain/parse.ts';
import { unknownNode } from '../domain/submit.ts';
import type { Env } from '../env.ts';
import { Alarm } from './alarm.ts';
import { CallCounts } from './call-counts.ts';
import type { FleetRpc } from './rpc.ts';
import { FleetStore } from './store/fleet-store.ts';
import { shardFor } from './stubs.ts';

const TELL_AGAIN_MS = 5000;

type Enrolment = Parameters<FleetRpc['enroll']>[0];
type Rotation = Parameters<FleetRpc['rotate']>[0];

export class Fleet extends DurableObject<Env> implements FleetRpc {
  readonly #calls = new CallCounts(Date.now());
  readonly #store: FleetStore;
  readonly #alarm: Alarm;
  /** One telling after the other, so that a shard hears the latest last. */
  #telling: Promise<void> = Promise.resolve();

  constructor(state: DurableObjectState, env: Env) {
    super(state, env);
    this.#store = new FleetStore(state.storage);
    this.#alarm = new Alarm(state.storage);
    void state.blockConcurrencyWhile(() => this.#alarm.load());
  }

  async addJoinToken(token: { hash: string; uses: number; expiresAt: number }): Promise<void> {
    this.#calls.add('addJoinToken');
    this.#store.addJoinToken(token.hash, token.uses, token.expiresAt);
    await this.#arm();
  }

  async enroll(enrolment: Enrolment): Promise<Result<null>> {
    this.#calls.add('enroll');
    const { node } = enrolment;
    if (!this.#store.isJoinTokenValid(enrolment.joinHash, Date.now())) return fail(joinTokenInvalid());
    // A removal that its shard never heard of must not hit the node of the same name that comes now.
    if (this.#store.isAwaitingRemoval(node)) await this.#tell(node);
    const now = Date.now();
    const refusal = this.#store.transaction(() => this.#register(enrolment, now));
    if (refusal !== undefined) return fail(refusal);
    await this.#arm();
    // The node has its token only in this answer, so a shard that cannot be told now must not take it away.
    await this.#tell(node).catch((error: unknown) => {
      console.error(`Could not tell the shard of node "${node}" that it is enrolled`, error);
    });
    return { ok: true, value: null };
  }

  async credentials(node: string): Promise<Credentials | null> {
    this.#calls.add('credentials');
    return this.#store.credentials(node) ?? null;
  }

  async nodes(): Promise<{ node: string; enrolledAt: number }[]> {
    this.#calls.add('nodes');
    return this.#store.nodes();
  }

  async rotate({ node, tokenHash, overlapUntil }: Rotation): Promise<Result<null>> {
    this.#calls.add('rotate');
    const known = this.#store.credentials(node);
    if (known === undefined) return fail(unknownNode(node));
    this.#store.transaction(() => {
      this.#store.setTokens(node, rotate(known.tokens, tokenHash, overlapUntil));
    });
    await this.#arm();
    await this.#tell(node);
    return { ok: true, value: null };
  }

  async remove(node: string): Promise<Result<null>> {
    this.#calls.add('remove');
    const isKnown = this.#store.credentials(node) !== undefined;
    if (!isKnown && !this.#store.isAwaitingRemoval(node)) return fail(unknownNode(node));
    if (isKnown) this.#store.transaction(() => this.#store.markRemoved(node, Date.now()));
    await this.#arm();
    await this.#tell(node);
    return { ok: true, value: null };
  }

  async counters(): Promise<FleetCounters> {
    return this.#calls.counters();
  }

  override async alarm(): Promise<void> {
    this.#calls.add('alarm');
    this.#alarm.fired();
    this.#store.removeExpired(Date.now());
    await this.#arm();
    await Promise.all(
      this.#store.untold().map(({ node }) =>
        this.#tell(node).catch((error: unknown) => {
          console.error(`Could not tell the shard of node "${node}" what changed; trying again`, error);
        }),
      ),
    );
  }

  /** The use of the join token and the registration are one transaction; the reason where neither happens. */
  #register({ joinHash, node, tokenHash, commandKey }: Enrolment, now: number): Problem | undefined {
    if (!this.#store.isJoinTokenValid(joinHash, now)) return joinTokenInvalid();
    if (this.#store.credentials(node) !== undefined) {
      return problem(
        'node-exists',
        `Node "${node}" is enrolled: start the reporter with its state directory, give this host another name with --node, or remove the old one with "arw-cli node remove ${node}"`,
      );
    }
    this.#store.spendJoinToken(joinHash);
    this.#store.addNode(node, commandKey, now);
    this.#store.setTokens(node, [{ hash: tokenHash, until: null }]);
    return undefined;
  }

  /** Tells the shard of a node what it has not confirmed. */
  #tell(node: string): Promise<void> {
    const told = this.#telling.then(() => this.#tellNow(node));
    this.#telling = told.catch(() => undefined);
    return told;
  }

  async #tellNow(node: string): Promise<void> {
    const changes = this.#store.untold().find((entry) => entry.node === node)?.untold;
    if (changes === undefined) return;
    await shardFor(this.env, node).admit(node, this.#store.credentials(node) ?? null);
    this.#store.markTold(node, changes);
  }

  async #arm(): Promise<void> {
    const now = Date.now();
    const retry = this.#store.untold().length > 0 ? now + TELL_AGAIN_MS : undefined;
    await this.#alarm.armFor(earliest([this.#store.firstExpiry(), retry]), now);
  }
}

function joinTokenInvalid(): Problem {
  return problem('join-token-invalid', 'It is unknown, used up or expired: ask an operator for another one');
}
