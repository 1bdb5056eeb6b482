// Owns the live state of the nodes that hash to it: their latest snapshots, their uplink sockets, their command queue.
// It decides nothing itself: it loads, asks the domain, saves, sends and arms its alarm.

import { DurableObject } from 'cloudflare:workers';
import type { Action } from '../../contract/actions.ts';
import type { Job } from '../../contract/command.ts';
import { CLOSE_REVOKED, UPLINK_PROTOCOL } from '../../contract/frames.ts';
import { CommandProgressSchema, type CommandProgress, type HealthResponse } from '../../contract/node-api.ts';
import { problem, type Problem } from '../../contract/problem.ts';
import { SnapshotSchema } from '../../contract/snapshot.ts';
import { closest } from '../../contract/closest.ts';
import type { By } from '../domain/audit.ts';
import { CANCELLED, toAction } from '../domain/action-life.ts';
import type { Wanted } from '../domain/choose-runtime.ts';
import type { CommandEvent } from '../domain/command-life.ts';
import { admits, type Credentials } from '../domain/credentials.ts';
import { isWhole, type CutQuery } from '../domain/fragment.ts';
import type { ShardCounters } from '../domain/counters.ts';
import { jittered, timingOf } from '../domain/interval.ts';
import { toJob } from '../domain/job.ts';
import type { JobsQuery } from '../domain/jobs.ts';
import { fail, parseText, type Result } from '../domain/parse.ts';
import type { Place } from '../domain/shard-of.ts';
import type { Submit } from '../domain/submit.ts';
import type { Topic } from '../domain/watch.ts';
import type { Env } from '../env.ts';
import { problemResponse } from '../problem-response.ts';
import type { CellCut, Cut, HandedOver, JobsPart, Located, NodeShardRpc, Offered, Submitted } from './rpc.ts';
import { answerAction } from './shard/action-answer.ts';
import { cancel } from './shard/cancellation.ts';
import { forget, handOver } from './shard/handing-over.ts';
import { answerLogs } from './shard/log-answer.ts';
import { offersHere } from './shard/offers.ts';
import { ShardParts } from './shard/parts.ts';
import { takePart } from './shard/relay-part.ts';
import { submit } from './shard/submission.ts';
import { receive } from './shard/uplink-session.ts';
import { fleet, readActionRequest, readLogsRequest, readPartRequest, readUplinkRequest } from './stubs.ts';

export class NodeShard extends DurableObject<Env> implements NodeShardRpc {
  readonly #parts: ShardParts;

  constructor(state: DurableObjectState, env: Env) {
    super(state, env);
    this.#parts = new ShardParts(state, env);
    void state.blockConcurrencyWhile(async () => {
      await this.#parts.alarm.load();
      this.#parts.failForgotten(Date.now());
      await this.#parts.arm(Date.now());
    });
    this.#parts.events.start();
  }

  async health(node: string, tokenHash: string, body: string): Promise<Result<string>> {
    const parts = this.#parts;
    if ((await parts.admitting(node, tokenHash)) === undefined) return fail(notAdmitted(node));
    const now = Date.now();
    const pace = jittered(parts.pace(), Math.random());
    const moment = { now, ttlSeconds: pace.ttlSeconds };
    let isNewBoot = false;
    if (parts.retake(node, body, 'post', moment) === undefined) {
      const parsed = parseText(SnapshotSchema, body);
      if (!parsed.ok) {
        parts.counting.refused('post');
        return parsed;
      }
      const taken = parts.take(node, { snapshot: parsed.value, text: body }, 'post', moment);
      if (taken.decision.kind === 'mismatch') return fail(taken.decision.problem);
      ({ isNewBoot } = taken);
    }
    const due = parts.queue.takeDue(node, now, isNewBoot);
    await parts.armForNode(node, now);
    const commands = due.filter((frame) => frame.type === 'command');
    const cancels = due.filter((frame) => frame.type === 'command.cancel');
    const answer: HealthResponse = {
      ...timingOf(pace, now),
      commands,
      ...(cancels.length > 0 && { cancels }),
    };
    return { ok: true, value: JSON.stringify(answer) };
  }

  async progress(node: string, tokenHash: string, commandId: string, body: string): Promise<Result<null>> {
    const parts = this.#parts;
    if ((await parts.admitting(node, tokenHash)) === undefined) return fail(notAdmitted(node));
    const parsed = parseText(CommandProgressSchema, body);
    if (!parsed.ok) return parsed;
    const now = Date.now();
    const record = parts.queue.apply(node, commandId, progressEvent(parsed.value, now));
    if (record === undefined) {
      return fail(problem('unknown-job', `Node "${node}" has no command of this id`));
    }
    await parts.armForNode(node, now);
    return { ok: true, value: null };
  }

  override async fetch(request: Request): Promise<Response> {
    const wish = readLogsRequest(request);
    if (wish !== undefined) return answerLogs(this.#parts, wish, request.signal);
    const action = await readActionRequest(request);
    if (action !== undefined) return answerAction(this.#parts, action, request.signal);
    const part = readPartRequest(request);
    const { node, tokenHash } = part ?? readUplinkRequest(request);
    const token = await this.#parts.admitting(node, tokenHash);
    if (token === undefined) return problemResponse(notAdmitted(node));
    if (part !== undefined) return takePart(this.#parts, part, request.body);
    const now = Date.now();
    const { 0: client, 1: server } = new WebSocketPair();
    const link = {
      node,
      tokenHash,
      until: token.until,
      openedAt: now,
      isAdmitted: false,
      pace: null,
      takesRelays: false,
      last: null,
    };
    this.#parts.uplinks.accept(server, link);
    this.#parts.cuts.touch();
    await this.#parts.armForNode(node, now);
    const headers = { 'sec-websocket-protocol': UPLINK_PROTOCOL };
    return new Response(null, { status: 101, webSocket: client, headers });
  }

  // Not async: a promise for each heartbeat costs as much as its parsing.
  override webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): Promise<void> | void {
    const now = Date.now();
    this.#parts.relays.heard(socket, now);
    const isRelayed = typeof message !== 'string' && this.#parts.uplinks.linkOf(socket)?.takesRelays === true;
    // A message that is none is rejected with the frames that are none.
    if (isRelayed && this.#parts.relays.bytes(socket, new Uint8Array(message))) return undefined;
    return receive(this.#parts, socket, message, now);
  }

  override webSocketClose(socket: WebSocket): void {
    if (this.#parts.uplinks.drop(socket)) this.#parts.cuts.touch();
    // A peer that closes waits for this answer, which nobody else gives for a socket that may hibernate.
    socket.close();
  }

  override webSocketError(socket: WebSocket): void {
    if (this.#parts.uplinks.drop(socket)) this.#parts.cuts.touch();
  }

  async submit(request: Submit, by: By): Promise<Result<Submitted>> {
    return submit(this.#parts, request, by);
  }

  async cancelJob(node: string, jobId: string, by: By): Promise<Result<Job>> {
    return cancel(this.#parts, { node, id: jobId }, by);
  }

  async jobs(query: JobsQuery, place: Place): Promise<JobsPart> {
    const unreached = await this.#parts.gather(place);
    return { jobs: this.#parts.queue.page(query, Date.now()).map(toJob), unreached };
  }

  async job(node: string, jobId: string): Promise<Job | null> {
    if (this.#parts.home.belongs(node)) await this.#parts.credentials.get(node);
    // A job that should have expired has, also where the alarm is late.
    const record = this.#parts.queue.apply(node, jobId, { type: 'tick', at: Date.now(), isLinked: false });
    return record === undefined ? null : toJob(record);
  }

  async offers(wanted: Wanted, place: Place): Promise<Offered> {
    await this.#parts.gather(place);
    return offersHere(this.#parts, wanted, place, Date.now());
  }

  async action(node: string, id: string): Promise<Action | null> {
    const record = this.#parts.actions.find(node, id);
    return record === undefined ? null : toAction(record);
  }

  async actionByKey(key: string): Promise<string | null> {
    return this.#parts.actions.findByKey(key)?.node ?? null;
  }

  async claimActionKey(key: string, node: string): Promise<string> {
    return this.#parts.keyClaims.claim(key, node, Date.now());
  }

  async releaseActionKey(key: string, node: string): Promise<void> {
    this.#parts.keyClaims.release(key, node);
  }

  async cancelAction(node: string, id: string): Promise<Action | null> {
    this.#parts.actions.stop(id, CANCELLED);
    return this.action(node, id);
  }

  async locate(runtime: string, place: Place): Promise<Located> {
    const unreached = await this.#parts.gather(place);
    const all = this.#parts
      .views(place)
      .flatMap(({ snapshot }) =>
        snapshot.runtimes.map(({ descriptor }) => ({ node: snapshot.target, id: descriptor.id })),
      );
    const nodes = all.filter(({ id }) => id === runtime).map(({ node }) => node);
    const offered =
      nodes.length > 0
        ? []
        : closest(
            runtime,
            all.map(({ id }) => id),
          );
    return { nodes, unreached, closest: offered };
  }

  async cut(query: CutQuery, place: Place): Promise<Cut> {
    const unreached = await this.#parts.gather(place);
    const { cuts, patches } = this.#parts;
    const now = Date.now();
    if (!isWhole(query))
      return { ...cuts.cut({ query, place }, () => this.#parts.views(place), now), unreached };
    const cut = { ...cuts.cut({ query, place }, () => patches.viewsFor(now), now), unreached };
    const chain = patches.chainOf(cut.at);
    return chain === undefined ? cut : { ...cut, chain };
  }

  async cells(place: Place): Promise<CellCut> {
    const unreached = await this.#parts.gather(place);
    return { ...this.#parts.cellCut(place, Date.now()), unreached };
  }

  async counters(): Promise<ShardCounters> {
    return this.#parts.counters();
  }

  async admit(node: string, credentials: Credentials | null): Promise<void> {
    const parts = this.#parts;
    const now = Date.now();
    parts.credentials.tell(node, credentials);
    const socket = parts.uplinks.current(node);
    const link = socket && parts.uplinks.linkOf(socket);
    if (socket !== undefined && link !== undefined) {
      const token = credentials === null ? undefined : admits(credentials, link.tokenHash, now);
      if (token === undefined) parts.uplinks.close(socket, CLOSE_REVOKED, 'The token was revoked');
      else parts.uplinks.save(socket, { ...link, until: token.until });
    }
    if (credentials === null) {
      parts.events.removed(node, parts.nodes.get(node), now);
      parts.nodes.remove(node);
      parts.queue.cancelAll(node, now, { reason: 'node-removed', message: 'The node was removed' });
    }
    parts.cuts.touch();
    await parts.armForNode(node, now);
  }

  async watch(topics: Topic[], until: number): Promise<void> {
    this.#parts.watch.watch(topics, until);
    this.#parts.patches.begin(Date.now());
  }

  async handOver(nodes: readonly string[]): Promise<HandedOver[]> {
    return handOver(this.#parts, nodes);
  }

  async forget(nodes: readonly string[], index: number): Promise<void> {
    await forget(this.#parts, fleet(this.env), { nodes, index });
  }

  async comeHome(place: Place): Promise<void> {
    await this.#parts.gather(place);
  }

  override async alarm(): Promise<void> {
    const now = Date.now();
    this.#parts.alarm.fired();
    this.#parts.passTime(now);
    await this.#parts.arm(now);
  }
}

function notAdmitted(node: string): Problem {
  return problem(
    'unauthorized',
    `This token does not admit node "${node}": enrol the node with a join token`,
  );
}

function progressEvent(progress: CommandProgress, at: number): CommandEvent {
  switch (progress.state) {
    case 'received':
      return { type: 'received', at };
    case 'completed':
      return { type: 'completed', at, result: progress.result ?? null };
    case 'failed':
      return { type: 'failed', at, error: progress.error };
    default:
      return progress satisfies never;
  }
}
