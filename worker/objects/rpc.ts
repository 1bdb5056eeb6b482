// Owns what may be asked of the two kinds of object. Values are plain data; an expected failure is a result.

import type { Alert, AlertRequest, AlertTested } from '../../contract/alerts.ts';
import type { AuditEntry } from '../../contract/audit.ts';
import type { Action } from '../../contract/actions.ts';
import type { Job } from '../../contract/command.ts';
import type { EventDraft } from '../../contract/events.ts';
import type { RestartBudget } from '../../contract/runtime-record.ts';
import type { CellReport } from '../domain/cell-book.ts';
import type { FleetCounters, ShardCounters } from '../domain/counters.ts';
import type { Offer, Wanted } from '../domain/choose-runtime.ts';
import type { Credentials } from '../domain/credentials.ts';
import type { AuditDraft, AuditQuery, By } from '../domain/audit.ts';
import type { CommandRecord } from '../domain/command-life.ts';
import type { CutName } from '../domain/etag.ts';
import type { CutQuery, Fragment } from '../domain/fragment.ts';
import type { PortableNode } from '../domain/home.ts';
import type { JobsQuery } from '../domain/jobs.ts';
import type { Result } from '../domain/parse.ts';
import type { Place } from '../domain/shard-of.ts';
import type { ExhaustedBudget, Submit } from '../domain/submit.ts';
import type { Topic } from '../domain/watch.ts';
import type { ToldGrid } from './fleet/grid-patches.ts';
import type { Chain } from './shard/patches.ts';

export type { ToldGrid } from './fleet/grid-patches.ts';

export type Cut = {
  name: CutName;
  /** When it was cut, in milliseconds of the shard's clock. */
  at: number;
  /** For how long it may be shown without asking again. */
  showableMs: number;
  /**
   * Ready-made JSON members or elements, one for each node, joined without brackets: the bytes, or where they are many
   * a stream of them, which is never empty.
   */
  body: Uint8Array | ReadableStream<Uint8Array>;
  /** Of a view that is patched: which patches it contains. */
  chain?: Chain;
  /** Shards that still hold nodes which live here, and could not be reached: those nodes are missing. */
  unreached?: readonly number[];
  /** Of a paged cut, whose body is empty. */
  page?: Page;
};

/** Fragments one by one, to be merged with those of other shards; `isCutShort` where more would be too large. */
export type Page = { fragments: Fragment[]; isCutShort: boolean };

/** A shard's part of the grid. */
export type CellCut = {
  name: CutName;
  /** When it came to be as it is, in milliseconds of the shard's clock. */
  at: number;
  /** For how long it may be shown without asking again. */
  showableMs: number;
  /** Somebody subscribes to patches: Fleet knows what they lead to. */
  isWatched: boolean;
  /** As of a cut. */
  unreached?: readonly number[];
  report: CellReport;
};

/** A shard's part of a list of jobs; `unreached` as of a cut. */
export type JobsPart = { jobs: Job[]; unreached: readonly number[] };

export type Located = {
  /** Nodes that have the runtime; `unreached` as of a cut. */
  nodes: string[];
  unreached: readonly number[];
  /** Where none has: the names that come closest to it. */
  closest: string[];
};

export type Offered = {
  offers: Offer[];
  /** Where none has it: the models and runtimes that there are. */
  known: string[];
};

export type Submitted =
  | { kind: 'accepted'; job: Job; delivered: boolean; isReplay: boolean; budget?: RestartBudget }
  | { kind: 'refused'; job: Job; budget: ExhaustedBudget; retryAfterSeconds: number };

/** Events of a shard's nodes, in order. */
export type Told = {
  /** `source` names a draft for ever. */
  drafts: { source: string; draft: EventDraft }[];
  /** They may have been told before: nobody knows what became of it. */
  isRepeat: boolean;
  /** So many before them were dropped, since there were too many to keep. */
  lost: number;
};

/** What a shard holds of a node, on its way to another one. */
export type HandedOver = {
  node: string;
  live: PortableNode | null;
  /** When the node was last heard before a silence that was told; null where none was told. */
  silentSince: number | null;
  commands: CommandRecord[];
};

/** Where something of a node may still be, as of its so many moves. */
export type Stray = { node: string; former: readonly number[]; moves: number };

export type Claim = Stray & { credentials: Credentials };

export interface NodeShardRpc {
  /**
   * The POST heartbeat: the body as it came, and the hash of the token it came with. The value is a `HealthResponse` as
   * JSON: nobody on its way reads it, and an object would be written and read twice.
   */
  health(node: string, tokenHash: string, body: string): Promise<Result<string>>;
  progress(node: string, tokenHash: string, commandId: string, body: string): Promise<Result<null>>;
  /** The upgrade of an uplink, the reading of a log, or an action: `uplinkRequest`, `logsRequest`, `actionRequest` in stubs.ts. */
  fetch(request: Request): Promise<Response>;
  submit(request: Submit, by: By): Promise<Result<Submitted>>;
  job(node: string, jobId: string): Promise<Job | null>;
  /** Cancelled where it was never sent; else its node is asked not to begin it, and the job tells what came of that. */
  cancelJob(node: string, jobId: string, by: By): Promise<Result<Job>>;
  /** Newest first. */
  jobs(query: JobsQuery, place: Place): Promise<JobsPart>;
  /** The runtimes that have what an action asks for. */
  offers(wanted: Wanted, place: Place): Promise<Offered>;
  action(node: string, id: string): Promise<Action | null>;
  /** The node of the action that has the key. */
  actionByKey(key: string): Promise<string | null>;
  /** Of the shard that a key hashes to: the node that the first one chose who uses the key at this moment. */
  claimActionKey(key: string, node: string): Promise<string>;
  /** Nothing was begun under the key at the node. */
  releaseActionKey(key: string, node: string): Promise<void>;
  /** Ends it where it runs; what is over stays as it is. */
  cancelAction(node: string, id: string): Promise<Action | null>;
  locate(runtime: string, place: Place): Promise<Located>;
  cut(query: CutQuery, place: Place): Promise<Cut>;
  cells(place: Place): Promise<CellCut>;
  counters(): Promise<ShardCounters>;
  /** From Fleet: who may speak for the node from now on; null ends it, with its snapshot and its commands. */
  admit(node: string, credentials: Credentials | null): Promise<void>;
  /** From Fleet: somebody subscribes to the topics until then. */
  watch(topics: Topic[], until: number): Promise<void>;
  /**
   * From the shard that the nodes live in now: what is held of them here, which is not served any more. Of the first
   * nodes alone where all would be too much for one answer.
   */
  handOver(nodes: readonly string[]): Promise<HandedOver[]>;
  /** From the same, which holds it now. @param index of the shard that is asked. */
  forget(nodes: readonly string[], index: number): Promise<void>;
  /** From a former home: nodes that belong at this place fell silent there, and nobody has asked for them since. */
  comeHome(place: Place): Promise<void>;
}

export interface FleetRpc {
  addJoinToken(token: { hash: string; uses: number; expiresAt: number; by: By }): Promise<void>;
  enroll(request: {
    joinHash: string;
    node: string;
    tokenHash: string;
    commandKey: string;
    requestId: string;
  }): Promise<Result<null>>;
  credentials(node: string): Promise<Credentials | null>;
  /** From the shard that the node hashes to: it lives there from now on. Null where it is not in the registry. */
  claim(node: string, index: number): Promise<Claim | null>;
  /** Claims the first nodes that live elsewhere, or of which something may be elsewhere. @param except these shards. */
  claimStrays(place: Place, except: readonly number[]): Promise<Stray[]>;
  /** Nothing of the nodes is elsewhere any more. */
  settle(nodes: readonly Stray[]): Promise<void>;
  /** Those of the nodes that live in the shard. */
  livingIn(index: number, nodes: readonly string[]): Promise<string[]>;
  /** The registry, in the order of the names. */
  nodes(): Promise<{ node: string; enrolledAt: number }[]>;
  rotate(request: { node: string; tokenHash: string; overlapUntil: number; by: By }): Promise<Result<null>>;
  remove(node: string, by: By): Promise<Result<null>>;
  /** Notes an act before it is done: what cannot be noted is not done. */
  record(draft: AuditDraft): Promise<void>;
  /** Newest first. */
  audit(query: AuditQuery): Promise<AuditEntry[]>;
  alerts(): Promise<Alert[]>;
  setAlert(id: string, request: AlertRequest, by: By): Promise<Result<{ alert: Alert; isNew: boolean }>>;
  removeAlert(id: string, by: By): Promise<Result<null>>;
  /** Calls the receiver now: it takes as long as that does, at most 10 s. */
  testAlert(id: string, by: By): Promise<Result<AlertTested>>;
  /** From a shard: what happened to its nodes. */
  publish(place: Place, told: Told): Promise<void>;
  /** From a shard, while somebody subscribes to patches: its cells have changed. */
  hearCells(place: Place, cut: CellCut): Promise<void>;
  /** The grid as patches have led to it, the cuts of all shards included; null where nobody subscribes to them. */
  grid(cuts: CellCut[]): Promise<ToldGrid | null>;
  /** How many subscribe to events now. */
  subscribers(): Promise<number>;
  /** The upgrade of a subscription to events; see `eventsRequest` in stubs.ts. */
  fetch(request: Request): Promise<Response>;
  counters(): Promise<FleetCounters>;
}
