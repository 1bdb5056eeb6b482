// Owns what a shard is made of, and the few acts that need more than one part: taking a snapshot, delivering commands.

import type { Command, CommandCancel } from '../../../contract/command.ts';
import type { AuditDraft } from '../../domain/audit.ts';
import type { CommandRecord } from '../../domain/command-life.ts';
import type { ShardCounters } from '../../domain/counters.ts';
import { admits, type TokenHash } from '../../domain/credentials.ts';
import { isStale } from '../../domain/freshness.ts';
import type { IngestDecision, LastWord } from '../../domain/ingest.ts';
import { paceOf, type Pace } from '../../domain/interval.ts';
import { jobEvents } from '../../domain/job-events.ts';
import { earliest } from '../../domain/next-alarm.ts';
import { heartbeatWriteMs, retentionMs, shardCount, ttlSeconds } from '../../domain/settings.ts';
import { isAt, shardOf, type Place } from '../../domain/shard-of.ts';
import type { NodeView } from '../../domain/view.ts';
import type { Env } from '../../env.ts';
import { Alarm } from '../alarm.ts';
import type { CellCut, FleetRpc } from '../rpc.ts';
import { CommandStore } from '../store/command-store.ts';
import { OutboxStore } from '../store/outbox-store.ts';
import { SnapshotStore, type Transport } from '../store/shard-store.ts';
import { fleet, shardAt, shardIndex } from '../stubs.ts';
import { ActionStore } from '../store/action-store.ts';
import { CellCuts } from './cell-cuts.ts';
import { CellTelling } from './cell-telling.ts';
import { Actions } from './actions.ts';
import { CommandQueue } from './command-queue.ts';
import { Counting } from './counting.ts';
import { CredentialCache } from './credential-cache.ts';
import { Cuts } from './cuts.ts';
import { ShardEvents } from './events.ts';
import { takeOver } from './handing-over.ts';
import { Homecoming } from './homecoming.ts';
import { KeyClaims } from './key-claims.ts';
import { LogRelay } from './log-relay.ts';
import type { Heard } from './live-node.ts';
import { LiveNodes, type Moment } from './live-nodes.ts';
import { Patches } from './patches.ts';
import { Relays } from './relays.ts';
import { Uplinks } from './uplinks.ts';
import { Watch } from './watch.ts';

/** What happened to a snapshot, and whether another start of the reporter spoke than before. */
export type Taken = { decision: IngestDecision; isNewBoot: boolean };

export class ShardParts {
  readonly ttlSeconds: number;
  readonly nodes: LiveNodes;
  readonly queue: CommandQueue;
  readonly uplinks: Uplinks;
  readonly logs = new LogRelay();
  readonly relays = new Relays((socket, frame) => this.uplinks.send(socket, frame));
  readonly actions: Actions;
  readonly keyClaims = new KeyClaims();
  readonly cuts: Cuts;
  readonly home: Homecoming;
  readonly cells: CellCuts;
  readonly counting = new Counting(Date.now());
  readonly credentials: CredentialCache;
  readonly alarm: Alarm;
  readonly events: ShardEvents;
  readonly watch: Watch;
  readonly patches: Patches;

  readonly #cellTelling: CellTelling;

  readonly #env: Env;

  constructor(state: DurableObjectState, env: Env) {
    this.#env = env;
    this.ttlSeconds = ttlSeconds(env.ARW_RUNTIME_MATRIX_TTL_SEC);
    // The snapshot store migrates the database, so it comes first.
    this.nodes = new LiveNodes(new SnapshotStore(state.storage), {
      ttlSeconds: this.ttlSeconds,
      retentionMs: retentionMs(env.ARW_RETENTION_HOURS),
      heartbeatWriteMs: heartbeatWriteMs(env.ARW_HEARTBEAT_WRITE_SEC),
    });
    this.queue = new CommandQueue(new CommandStore(state.storage), (before, after) => {
      const drafts = jobEvents(before, after);
      if (drafts.length > 0) this.events.tell(drafts, Date.now());
    });
    this.uplinks = new Uplinks(state, (socket) => {
      this.logs.socketGone(socket);
      this.relays.socketGone(socket);
    });
    this.actions = new Actions(new ActionStore(state.storage), (events) => {
      this.events.tell(events, Date.now());
      void this.alarm.armFor(this.actions.nextDeadline(), Date.now());
    });
    this.cuts = new Cuts(this.ttlSeconds, () => this.#touched(Date.now()));
    const place = { index: shardIndex(env, state.id), shards: shardCount(env.FLEET_SHARDS) };
    this.home = new Homecoming({
      place,
      fleet: () => this.#fleet,
      shardAt: (index) => shardAt(env, index),
      take: async (handed) => {
        takeOver(this, handed);
        await this.arm(Date.now());
      },
    });
    this.credentials = new CredentialCache((node, isOvertaken) => this.home.claim(node, isOvertaken));
    this.cells = new CellCuts(this.ttlSeconds);
    this.alarm = new Alarm(state.storage);
    const telling = {
      store: new OutboxStore(state.storage),
      place,
      fleet: () => this.#fleet,
    };
    this.events = new ShardEvents({
      ...telling,
      ttlSeconds: this.ttlSeconds,
      arm: (at) => void this.alarm.armFor(at, Date.now()),
      callHome: (nodes) => this.#callHome(nodes, place.shards),
    });
    this.watch = new Watch(telling);
    this.patches = new Patches({
      ...telling,
      ttlSeconds: this.ttlSeconds,
      isWatched: (now) => this.watch.isWatched('state.read.model.patch', now),
      views: () => this.views(place),
      onMissed: () => this.cuts.touch(),
    });
    this.#cellTelling = new CellTelling({
      place,
      fleet: telling.fleet,
      isWatched: (now) => this.watch.isWatched('state.read.model.patch', now),
      cut: (now) => this.cellCut(place, now),
    });
    for (const [, { node, last, pace }] of this.uplinks.all()) {
      if (last !== null) this.nodes.recall(node, last, pace?.ttlSeconds);
    }
  }

  /** Made for each call: a stub that has failed once may go on failing. */
  get #fleet(): FleetRpc {
    return fleet(this.#env);
  }

  /** Once, after the alarm is known: a node may still work for an action that this object has lost hold of. */
  failForgotten(now: number): void {
    for (const { node, stream } of this.actions.takeForgotten(now)) {
      const socket = this.uplinks.admitted(node);
      if (socket !== undefined) this.uplinks.send(socket, { type: 'relay.cancel', stream });
    }
  }

  /** The token that admits the node now; undefined where none does. */
  async admitting(node: string, tokenHash: string): Promise<TokenHash | undefined> {
    const credentials = await this.credentials.get(node);
    return credentials && admits(credentials, tokenHash, Date.now());
  }

  /** Notes an act where it is kept. @throws where that fails: then the act must not happen. */
  async record(draft: AuditDraft): Promise<void> {
    await this.#fleet.record(draft);
  }

  /**
   * Brings the nodes that belong here and were left in other shards, before anybody reads them.
   * @returns the shards that could not be reached.
   */
  async gather(place: Place): Promise<readonly number[]> {
    return this.credentials.during((isOvertaken) => this.home.gather(place, isOvertaken, Date.now()));
  }

  /** Something that a view shows has changed. */
  #touched(now: number): void {
    this.patches.touched(now);
    this.#cellTelling.touched(now);
  }

  /** Asks the shards that the nodes belong to now to bring them. */
  async #callHome(nodes: readonly string[], shards: number): Promise<void> {
    const homes = new Set(nodes.map((node) => shardOf(node, shards)));
    await Promise.all([...homes].map((index) => shardAt(this.#env, index).comeHome({ index, shards })));
  }

  /** Takes a heartbeat that is no news, without parsing it; undefined says nothing: then it is for `take`. */
  retake(node: string, text: string, transport: Transport, moment: Moment): LastWord | undefined {
    if (this.events.isSilent(node)) return undefined;
    const live = this.nodes.retake(node, text, transport, moment);
    if (live === undefined) return undefined;
    this.counting.took({ kind: 'accept' }, transport);
    this.cuts.touch();
    const { now } = moment;
    if (this.watch.isWatched('runtime.health', now)) this.watch.took(live.snapshot, now);
    return live.last;
  }

  take(node: string, said: Pick<Heard, 'snapshot' | 'text'>, transport: Transport, moment: Moment): Taken {
    const before = this.nodes.get(node);
    const { snapshot } = said;
    const decision = this.nodes.take(node, said, transport, moment);
    this.counting.took(decision, transport);
    if (decision.kind === 'accept') {
      const { now, ttlSeconds: toldSeconds } = moment;
      this.cuts.touch();
      this.events.took(before, { snapshot, receivedAt: now, ttlSeconds: toldSeconds, transport }, now);
      this.watch.took(snapshot, now);
    }
    return { decision, isNewBoot: before?.last.bootId !== snapshot.boot_id };
  }

  /** Adds a command to the queue, and sends it where its node can be reached; as it is then. */
  enqueue(record: CommandRecord, now: number): CommandRecord {
    const socket = this.reachable(record.node, now);
    if (socket === undefined) {
      this.queue.add(record);
      return record;
    }
    // Whatever waits goes first.
    this.sendAll(socket, this.queue.takeDue(record.node, now, false));
    this.sendAll(socket, [this.queue.addSent(record, now)]);
    return this.queue.find(record.node, record.id) ?? record;
  }

  /** Sends what is due over the socket of the node; true where there was a socket that a living node holds. */
  deliver(node: string, now: number): boolean {
    const socket = this.reachable(node, now);
    if (socket === undefined) return false;
    this.sendAll(socket, this.queue.takeDue(node, now, false));
    return true;
  }

  sendAll(socket: WebSocket, frames: readonly (Command | CommandCancel)[]): void {
    for (const frame of frames) this.uplinks.send(socket, frame);
  }

  /** The admitted socket of a node that is not stale: an open socket alone may belong to a host that is gone. */
  reachable(node: string, now: number): WebSocket | undefined {
    const live = this.nodes.get(node);
    return live !== undefined && isStale(live, this.ttlSeconds, now)
      ? undefined
      : this.uplinks.admitted(node);
  }

  /** The nodes that live here, as they are shown. */
  views(place: Place): NodeView[] {
    const here = [...this.nodes.all()].filter(({ node }) => isAt(node, place));
    return here.map(({ snapshot, receivedAt, ttlSeconds: toldSeconds, transport }) => {
      const uplink = this.uplinks.isOpen(snapshot.target) ? 'open' : transport === 'post' ? 'post' : 'closed';
      return { snapshot, receivedAt, ttlSeconds: toldSeconds, uplink };
    });
  }

  /** The cells of the nodes that live here. */
  cellCut(place: Place, now: number): CellCut {
    const isWatched = this.watch.isWatched('state.read.model.patch', now);
    return { ...this.cells.cut(this.nodes.all(), place, now), isWatched };
  }

  counters(): ShardCounters {
    const { queue, uplinks } = this;
    return {
      ...this.counting.snapshots(),
      uplinks: uplinks.count,
      commandsOpen: queue.openStates(),
      commandsEnded: queue.ended,
    };
  }

  /** The pace that the nodes of this shard are to keep, so that together they ask for no more than it can do. */
  pace(): Pace {
    return paceOf({ sockets: this.uplinks.count, posts: this.nodes.posting }, this.ttlSeconds);
  }

  /** Lets time act on everything that waits for it. */
  passTime(now: number): void {
    for (const node of this.queue.nodes()) {
      if (!this.deliver(node, now)) this.queue.tick(node, now);
    }
    this.queue.removeOld(now);
    this.actions.removeOld(now);
    this.events.passTime(
      this.nodes.all(),
      (node) => now >= (this.nodes.forgottenAt(node) ?? Number.POSITIVE_INFINITY),
      now,
    );
    const isForgotten = this.nodes.removeForgotten(now);
    const isClosed = this.uplinks.closeExpired(now);
    if (isForgotten || isClosed) this.cuts.touch();
    else this.#touched(now);
  }

  /** Arms for everything; costs a look at every node and command, so only a new life and the alarm itself call it. */
  async arm(now: number): Promise<void> {
    const commands = this.queue.nextDeadline((node) => this.reachable(node, now) !== undefined);
    const wanted = earliest([
      commands,
      this.events.nextDeadline(this.nodes.all()),
      this.nodes.nextForgotten(),
      this.uplinks.nextExpiry(),
      this.actions.nextDeadline(),
    ]);
    await this.alarm.armFor(wanted, now);
  }

  /** Arms for what a word of the node, or a word to it, may have changed: all else is armed already. */
  armForNode(node: string, now: number): Promise<void> | undefined {
    const live = this.nodes.get(node);
    const deadlines = [
      live && this.events.silentAt(live),
      this.nodes.forgottenAt(node),
      this.uplinks.expiryOf(node),
      this.queue.forgetsAt(now),
    ];
    if (this.queue.openCount(node) > 0) {
      deadlines.push(this.queue.deadlineOf(node, this.reachable(node, now) !== undefined));
    }
    return this.alarm.armFor(earliest(deadlines), now);
  }
}
