// Owns what Fleet does with events: numbers them, logs them, tells those who subscribe, and lets the shards know what
// somebody wants to hear that they would not tell otherwise.

import * as v from 'valibot';
import {
  EventKindSchema,
  EVENTS_PROTOCOL,
  isLogged,
  payloadSchemaOf,
  type EventDraft,
} from '../../../contract/events.ts';
import { problem } from '../../../contract/problem.ts';
import { admits, gapsAfter, nextEventId, type Subscription } from '../../domain/event-stream.ts';
import { eventBody, gapBody, numbered } from '../../domain/event-text.ts';
import { isoTime } from '../../domain/freshness.ts';
import { earliest } from '../../domain/next-alarm.ts';
import { WATCH_AGAIN_MS, WATCH_LEASE_MS, WATCH_RENEW_MS, type Topic } from '../../domain/watch.ts';
import { problemResponse } from '../../problem-response.ts';
import type { Told } from '../rpc.ts';
import { EventLog } from '../store/event-log.ts';
import { Subscribers } from './subscribers.ts';

/** Each is a socket of an object that holds up to 32,768, and work for every event. */
const MAX_SUBSCRIBERS = 1000;

const TOPICS = ['runtime.health', 'state.read.model.patch'] as const satisfies readonly Topic[];

export type FleetEventsOptions = {
  state: DurableObjectState;
  /** Tells every shard what is subscribed to until when. @throws where one cannot be reached. */
  watch: (topics: Topic[], until: number) => Promise<void>;
  /** The alarm of Fleet must look at `nextDeadline` again. */
  arm: () => Promise<void>;
  /** Of each event once, in the turn in which it is logged. */
  heed: (draft: EventDraft, now: number) => void;
  /** Somebody new subscribes to patches. */
  onWatched: () => void;
};

export class FleetEvents {
  readonly #options: FleetEventsOptions;
  readonly #log: EventLog;
  readonly #subscribers: Subscribers;
  #lastId: number;
  #renewAt: number | undefined;

  constructor(options: FleetEventsOptions) {
    this.#options = options;
    this.#log = new EventLog(options.state.storage);
    this.#subscribers = new Subscribers(options.state, this.#log);
    this.#lastId = this.#log.lastId;
    // Whatever was armed is armed still; what is due is looked at by the first alarm.
    if (this.#subscribers.count > 0) this.#renewAt = Date.now();
  }

  get subscribers(): number {
    return this.#subscribers.count;
  }

  /** True where somebody subscribes to the topic now. */
  isWatched(topic: Topic): boolean {
    return this.#subscribers.wants(topic);
  }

  /** What Fleet itself has to tell. */
  tell(draft: EventDraft, now: number): void {
    this.#publish(draft, undefined, now);
  }

  /** What a shard tells. Told a second time, what arrived the first time is left out. */
  take({ drafts, isRepeat, lost }: Told, now: number): void {
    if (lost > 0) {
      const message = `A part of the hub could not tell of ${lost} events: load again what you keep`;
      this.tell({ time: isoTime(now), kind: 'stream.gap', payload: { reason: 'lost', message } }, now);
    }
    for (const { source, draft } of drafts) {
      if (isRepeat && this.#log.has(source)) continue;
      const fault = faultOf(draft);
      if (fault === undefined) this.#publish(draft, source, now);
      else console.error(`Dropped an event that is none: ${fault}`);
    }
  }

  /** The upgrade of one who subscribes. By the answer, the shards know what it wants to hear. */
  async subscribe(subscription: Subscription, hasProtocol: boolean): Promise<Response> {
    if (this.#subscribers.count >= MAX_SUBSCRIBERS) {
      return problemResponse(problem('too-many-subscribers', 'End another subscription first'));
    }
    const topics = TOPICS.filter((topic) => admits(subscription.prefixes, topic));
    const isWatched = topics.length === 0 || (await this.#watch(topics, Date.now()));
    // From here on nothing is awaited: nothing can happen between what is read from the log and what is told at once.
    const now = Date.now();
    const { 0: client, 1: server } = new WebSocketPair();
    const gaps = gapsAfter(subscription, this.#log.reach, nextEventId(this.#lastId, now));
    this.#subscribers.accept(server, {
      prefixes: subscription.prefixes,
      position: this.#positionOf(subscription),
      messages: gaps.map((gap) => gapBody(gap, isoTime(now))),
      now,
    });
    this.#renewAt = earliest([this.#renewAt, now + (isWatched ? WATCH_RENEW_MS : WATCH_AGAIN_MS)]);
    await this.#options.arm();
    if (topics.includes('state.read.model.patch')) this.#options.onWatched();
    const headers = hasProtocol ? { 'sec-websocket-protocol': EVENTS_PROTOCOL } : {};
    return new Response(null, { status: 101, webSocket: client, headers });
  }

  hear(socket: WebSocket, message: string | ArrayBuffer): void {
    this.#subscribers.hear(socket, message);
  }

  drop(socket: WebSocket): void {
    this.#subscribers.drop(socket);
  }

  nextDeadline(): number | undefined {
    return this.#renewAt;
  }

  /** Goes on watching what is still subscribed to, and ends the subscriptions of those who are gone. */
  async passTime(now: number): Promise<void> {
    if (this.#renewAt === undefined || now < this.#renewAt) return;
    this.#subscribers.closeSilent(now);
    this.#renewAt = this.#subscribers.count > 0 ? now + WATCH_RENEW_MS : undefined;
    const topics = TOPICS.filter((topic) => this.#subscribers.wants(topic));
    if (topics.length === 0 || (await this.#watch(topics, now))) return;
    this.#renewAt = now + WATCH_AGAIN_MS;
  }

  /** False where a shard does not know of it. */
  async #watch(topics: Topic[], now: number): Promise<boolean> {
    try {
      await this.#options.watch(topics, now + WATCH_LEASE_MS);
      return true;
    } catch (error) {
      // A shard that begins later says so itself, and whoever keeps state notices.
      console.error('Could not tell every shard what is subscribed to; trying again', error);
      return false;
    }
  }

  #positionOf({ after, replay, prefixes }: Subscription): number {
    if (after !== undefined) return Math.min(after, this.#log.lastId);
    return replay === undefined
      ? this.#log.lastId
      : this.#log.before(replay, (kind) => admits(prefixes, kind));
  }

  #publish(draft: EventDraft, source: string | undefined, now: number): void {
    const { kind } = draft;
    const body = eventBody(draft);
    const id = nextEventId(this.#lastId, now);
    this.#lastId = id;
    if (isLogged(kind)) this.#log.add({ id, kind, body, source });
    this.#subscribers.send(kind, numbered(id, body), now);
    this.#options.heed(draft, now);
  }
}

/** Drafts cross from one object to another, which may run different versions of the code for a while. */
function faultOf({ kind, payload }: EventDraft): string | undefined {
  if (!v.is(EventKindSchema, kind)) return `the kind ${JSON.stringify(kind)}`;
  // A snapshot has passed its schema on the way in, and there are many of them.
  const schema = isLogged(kind) ? payloadSchemaOf(kind) : undefined;
  if (schema === undefined) return undefined;
  const parsed = v.safeParse(schema, payload, { abortEarly: true });
  return parsed.success ? undefined : `${kind}: ${parsed.issues[0].message}`;
}
