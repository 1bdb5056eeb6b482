// Owns the registry of nodes, where each of them lives, the join tokens and the audit log. A shard that must know of a
// change is told before the operator is answered; where that fails, the change stays noted and the alarm tells it later.

import { DurableObject } from 'cloudflare:workers';
import type { Alert, AlertRequest, AlertTested } from '../../contract/alerts.ts';
import type { AuditEntry } from '../../contract/audit.ts';
import { problem, type Problem } from '../../contract/problem.ts';
import { joinTokenId, type AuditDraft, type AuditQuery, type By } from '../domain/audit.ts';
import type { FleetCounters } from '../domain/counters.ts';
import { rotate, type Credentials } from '../domain/credentials.ts';
import { claimed, isAstray, mayBeIn, settled } from '../domain/home.ts';
import { isoTime } from '../domain/freshness.ts';
import { earliest } from '../domain/next-alarm.ts';
import { fail, type Result } from '../domain/parse.ts';
import { isOn, shardCount } from '../domain/settings.ts';
import { shardOf, type Place } from '../domain/shard-of.ts';
import { unknownNode } from '../domain/submit.ts';
import { nodeRemoved } from '../domain/transitions.ts';
import type { Env } from '../env.ts';
import { Alarm } from './alarm.ts';
import type { CellCut, Claim, FleetRpc, Stray, Told } from './rpc.ts';
import { AuditStore } from './store/audit-store.ts';
import { CallCounts } from './call-counts.ts';
import { FleetAlerts } from './fleet/alerts.ts';
import { targetOrigin } from './fleet/target.ts';
import { FleetEvents } from './fleet/events.ts';
import { GridPatches, type ToldGrid } from './fleet/grid-patches.ts';
import { FleetStore } from './store/fleet-store.ts';
import { askAll, homeIndex, readEventsRequest, shardAt } from './stubs.ts';

const TELL_AGAIN_MS = 5000;

/** So many nodes come home together: few calls for many nodes, and no call that takes long. */
const STRAYS_AT_ONCE = 1000;

type NewJoinToken = Parameters<FleetRpc['addJoinToken']>[0];
type Enrolment = Parameters<FleetRpc['enroll']>[0];
type Rotation = Parameters<FleetRpc['rotate']>[0];

export class Fleet extends DurableObject<Env> implements FleetRpc {
  readonly #calls = new CallCounts(Date.now());
  readonly #store: FleetStore;
  readonly #audit: AuditStore;
  readonly #alarm: Alarm;
  readonly #alerts: FleetAlerts;
  readonly #events: FleetEvents;
  readonly #grid: GridPatches;
  readonly #shards: number;
  /** One telling after the other, so that a shard hears the latest last. */
  #telling: Promise<void> = Promise.resolve();
  /** With so many shards every node was found to live where it belongs: nobody needs to look again. */
  #orderlyWith: number | undefined;

  constructor(state: DurableObjectState, env: Env) {
    super(state, env);
    this.#store = new FleetStore(state.storage);
    this.#audit = new AuditStore(state.storage);
    this.#alarm = new Alarm(state.storage);
    // The store migrates the database, so it comes first.
    this.#alerts = new FleetAlerts({
      storage: state.storage,
      allowsLocal: isOn(env.ARW_ALERT_LOCAL_TARGETS),
      isKnown: (node) => this.#store.credentials(node) !== undefined,
      arm: () => void this.#arm(),
    });
    this.#events = new FleetEvents({
      state,
      watch: async (topics, until) => {
        await askAll(env, (shard) => shard.watch(topics, until));
      },
      arm: () => this.#arm(),
      heed: (draft, now) => this.#alerts.heed(draft, now),
      onWatched: () => this.#grid.begin(Date.now()),
    });
    this.#shards = shardCount(env.FLEET_SHARDS);
    this.#grid = new GridPatches({
      shards: this.#shards,
      isWatched: () => this.#events.isWatched('state.read.model.patch'),
      ask: (shards) =>
        Promise.all(shards.map((index) => shardAt(env, index).cells({ index, shards: this.#shards }))),
      tell: (draft, now) => this.#events.tell(draft, now),
    });
    // What patches had led to is lost with the memory, also to those who subscribe still.
    if (this.#events.isWatched('state.read.model.patch')) this.#grid.begin(Date.now());
    void state.blockConcurrencyWhile(() => this.#alarm.load());
  }

  async addJoinToken({ hash, uses, expiresAt, by }: NewJoinToken): Promise<void> {
    this.#calls.add('addJoinToken');
    const args = { id: joinTokenId(hash), uses, expires_at: isoTime(expiresAt) };
    this.#store.transaction(() => {
      this.#store.addJoinToken(hash, uses, expiresAt);
      this.#audit.add({ ...by, action: 'join_token.create', args }, Date.now());
    });
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

  async claim(node: string, index: number): Promise<Claim | null> {
    this.#calls.add('claim');
    const credentials = this.#store.credentials(node);
    return credentials === undefined ? null : { credentials, ...this.#moveTo(index, node) };
  }

  async claimStrays(place: Place, except: readonly number[] = []): Promise<Stray[]> {
    this.#calls.add('claimStrays');
    if (this.#orderlyWith === place.shards) return [];
    const all = this.#store.homes();
    const astray = all
      .filter(({ node, home }) => isAstray(node, home, place) && !mayBeIn(home, except))
      .slice(0, STRAYS_AT_ONCE);
    if (astray.length === 0) {
      const isOrderly = all.every(
        ({ node, home }) => !isAstray(node, home, { ...place, index: shardOf(node, place.shards) }),
      );
      if (isOrderly) this.#orderlyWith = place.shards;
      return [];
    }
    return this.#store.transaction(() => astray.map(({ node }) => this.#moveTo(place.index, node)));
  }

  async settle(nodes: readonly Stray[]): Promise<void> {
    this.#calls.add('settle');
    this.#store.transaction(() => {
      for (const { node, moves } of nodes) {
        const home = this.#store.home(node);
        if (home !== undefined) this.#store.setHome(node, settled(home, moves));
      }
    });
  }

  async livingIn(index: number, nodes: readonly string[]): Promise<string[]> {
    this.#calls.add('livingIn');
    return nodes.filter((node) => this.#store.home(node)?.index === index);
  }

  async nodes(): Promise<{ node: string; enrolledAt: number }[]> {
    this.#calls.add('nodes');
    return this.#store.nodes();
  }

  async rotate({ node, tokenHash, overlapUntil, by }: Rotation): Promise<Result<null>> {
    this.#calls.add('rotate');
    const known = this.#store.credentials(node);
    if (known === undefined) return fail(unknownNode(node));
    this.#store.transaction(() => {
      this.#store.setTokens(node, rotate(known.tokens, tokenHash, overlapUntil));
      const args = { previous_until: isoTime(overlapUntil) };
      this.#audit.add({ ...by, action: 'node.token.rotate', node, args }, Date.now());
    });
    await this.#arm();
    await this.#tell(node);
    return { ok: true, value: null };
  }

  async remove(node: string, by: By): Promise<Result<null>> {
    this.#calls.add('remove');
    const isKnown = this.#store.credentials(node) !== undefined;
    if (!isKnown && !this.#store.isAwaitingRemoval(node)) return fail(unknownNode(node));
    const now = Date.now();
    this.#store.transaction(() => {
      if (isKnown) this.#store.markRemoved(node, now);
      // What an operator sees as removed was told as removed.
      if (isKnown) this.#events.tell(nodeRemoved(node, 'operator', now), now);
      this.#audit.add({ ...by, action: 'node.remove', node }, now);
    });
    await this.#arm();
    await this.#tell(node);
    return { ok: true, value: null };
  }

  async publish(_place: Place, told: Told): Promise<void> {
    this.#calls.add('publish');
    this.#events.take(told, Date.now());
  }

  async alerts(): Promise<Alert[]> {
    this.#calls.add('alerts');
    return this.#alerts.all();
  }

  async setAlert(
    id: string,
    request: AlertRequest,
    by: By,
  ): Promise<Result<{ alert: Alert; isNew: boolean }>> {
    this.#calls.add('setAlert');
    const now = Date.now();
    return this.#alerts.set(id, request, now, ({ shape, url, enabled }) => {
      const args = { id, shape, target: targetOrigin(url), enabled };
      this.#audit.add({ ...by, action: 'alert.set', args }, now);
    });
  }

  async removeAlert(id: string, by: By): Promise<Result<null>> {
    this.#calls.add('removeAlert');
    return this.#alerts.remove(id, () => {
      this.#audit.add({ ...by, action: 'alert.remove', args: { id } }, Date.now());
    });
  }

  async testAlert(id: string, by: By): Promise<Result<AlertTested>> {
    this.#calls.add('testAlert');
    const now = Date.now();
    return this.#alerts.test(id, now, () => {
      this.#audit.add({ ...by, action: 'alert.test', args: { id } }, now);
    });
  }

  async hearCells({ index, shards }: Place, cut: CellCut): Promise<void> {
    this.#calls.add('hearCells');
    if (shards === this.#shards) this.#grid.hear(index, cut, Date.now());
  }

  async grid(cuts: CellCut[]): Promise<ToldGrid | null> {
    this.#calls.add('grid');
    return this.#grid.read(cuts, Date.now()) ?? null;
  }

  async subscribers(): Promise<number> {
    return this.#events.subscribers;
  }

  /** The one request that is no call: a subscription to events, which is a socket. */
  override async fetch(request: Request): Promise<Response> {
    const { subscription, hasProtocol } = readEventsRequest(request);
    return this.#events.subscribe(subscription, hasProtocol);
  }

  override webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): void {
    this.#events.hear(socket, message);
  }

  override webSocketClose(socket: WebSocket): void {
    this.#events.drop(socket);
    // A peer that closes waits for this answer, which nobody else gives for a socket that may hibernate.
    socket.close();
  }

  override webSocketError(socket: WebSocket): void {
    this.#events.drop(socket);
  }

  async record(draft: AuditDraft): Promise<void> {
    this.#calls.add('record');
    this.#audit.add(draft, Date.now());
  }

  async audit(query: AuditQuery): Promise<AuditEntry[]> {
    this.#calls.add('audit');
    return this.#audit.page(query, query.limit);
  }

  async counters(): Promise<FleetCounters> {
    return { ...this.#calls.counters(), alerts: this.#alerts.counts() };
  }

  override async alarm(): Promise<void> {
    this.#calls.add('alarm');
    const now = Date.now();
    this.#alarm.fired();
    this.#store.removeExpired(now);
    this.#alerts.passTime(now);
    await this.#events.passTime(now);
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
  #register(
    { joinHash, node, tokenHash, commandKey, requestId }: Enrolment,
    now: number,
  ): Problem | undefined {
    if (!this.#store.isJoinTokenValid(joinHash, now)) return joinTokenInvalid();
    if (this.#store.credentials(node) !== undefined) {
      return problem(
        'node-exists',
        `Node "${node}" is enrolled: start the reporter with its state directory, give this host another name with --node, or remove the old one with "arw-cli node remove ${node}"`,
      );
    }
    this.#store.spendJoinToken(joinHash);
    this.#store.addNode({ node, commandKey, home: homeIndex(this.env, node) }, now);
    this.#store.setTokens(node, [{ hash: tokenHash, until: null }]);
    const actor = { role: 'join-token' as const, id: joinTokenId(joinHash) };
    this.#audit.add({ actor, requestId, action: 'node.enroll', node }, now);
    return undefined;
  }

  /** Tells the shard of a node what it has not confirmed. */
  #tell(node: string): Promise<void> {
    const told = this.#telling.then(() => this.#tellNow(node));
    this.#telling = told.catch(() => undefined);
    return told;
  }

  async #tellNow(node: string): Promise<void> {
    const changes = this.#store.untoldOf(node);
    if (changes === 0) return;
    const home = this.#store.home(node);
    const places = new Set([homeIndex(this.env, node), ...(home ? [home.index, ...home.former] : [])]);
    const credentials = this.#store.credentials(node) ?? null;
    await Promise.all([...places].map((index) => shardAt(this.env, index).admit(node, credentials)));
    this.#store.markTold(node, changes);
  }

  /** Notes the home of a node; writes nothing where it lives there already. */
  #moveTo(index: number, node: string): Stray {
    const before = this.#store.home(node);
    if (before === undefined) throw new Error(`Node "${node}" moves and is not in the registry`);
    const home = claimed(before, index);
    if (home !== before) {
      this.#orderlyWith = undefined;
      this.#store.setHome(node, home);
    }
    return { node, former: home.former, moves: home.moves };
  }

  async #arm(): Promise<void> {
    const now = Date.now();
    const retry = this.#store.hasUntold() ? now + TELL_AGAIN_MS : undefined;
    await this.#alarm.armFor(
      earliest([this.#store.firstExpiry(), retry, this.#events.nextDeadline(), this.#alerts.nextDeadline()]),
      now,
    );
  }
}

function joinTokenInvalid(): Problem {
  return problem('join-token-invalid', 'It is unknown, used up or expired: ask an operator for another one');
}
