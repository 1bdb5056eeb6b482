// Owns the messages of alerts on their way: kept in SQLite before they are sent, sent in order, one at a time for each
// alert and outside of whatever Fleet does meanwhile, until a receiver took them or they are given up.

import type { AlertItem } from '../../../contract/alerts.ts';
import { GATHER_MS, MAX_ITEMS, retryAt, type Delivery, type Failure } from '../../domain/alert-delivery.ts';
import { alertMessage, messageBody } from '../../domain/alert-message.ts';
import type { AlertRule } from '../../domain/alerts.ts';
import { isoTime } from '../../domain/freshness.ts';
import { earliest } from '../../domain/next-alarm.ts';
import type { AlertStore, DeliveryCount } from '../store/alert-store.ts';
import type { Outside } from './webhook.ts';

/** Of all alerts; the platform gives an object six connections. */
const MAX_AT_ONCE = 4;
/** After this long an attempt of another life of this object is over, whatever came of it. */
const LEASE_MS = 30_000;

const NOTHING_YET: DeliveryCount = {
  delivered: 0,
  dropped: 0,
  lastDeliveredAt: null,
  lastErrorAt: null,
  lastError: null,
};

export type DeliveriesOptions = {
  store: AlertStore;
  outside: Outside;
  rule: (alert: string) => AlertRule | undefined;
  /** An attempt is over: there may be room, and another deadline. */
  settled: () => void;
};

export class Deliveries {
  readonly #options: DeliveriesOptions;
  /** By alert, in the order in which they are sent. */
  readonly #queues = new Map<string, Delivery[]>();
  readonly #counts = new Map<string, DeliveryCount>();
  readonly #underWay = new Set<string>();

  constructor(options: DeliveriesOptions) {
    this.#options = options;
    for (const { rule, count } of options.store.alerts()) this.#counts.set(rule.id, count);
    for (const delivery of options.store.deliveries()) this.#queue(delivery.alert).push(delivery);
  }

  /** Durable with everything else that is written in this turn; sent a moment later, with what comes until then. */
  add(alert: string, item: AlertItem, now: number): void {
    const { store } = this.#options;
    const queue = this.#queue(alert);
    const last = queue.at(-1);
    if (last !== undefined && last.attempts === 0 && last.items.length < MAX_ITEMS) {
      last.items.push(item);
      return store.setDelivery(last);
    }
    const id = `msg_${crypto.randomUUID()}`;
    const delivery = { id, alert, dueAt: now + GATHER_MS, attempts: 0, items: [item] };
    queue.push({ ...delivery, seq: store.addDelivery(delivery) });
  }

  /** The alert is no more, in the store either. */
  forget(alert: string): void {
    this.#queues.delete(alert);
    this.#counts.delete(alert);
  }

  count(alert: string): DeliveryCount {
    return this.#counts.get(alert) ?? NOTHING_YET;
  }

  queued(alert: string): { messages: number; items: number; nextAttemptAt: number | undefined } {
    const queue = this.#queue(alert);
    const items = queue.reduce((sum, delivery) => sum + delivery.items.length, 0);
    return { messages: queue.length, items, nextAttemptAt: queue[0]?.dueAt };
  }

  nextDeadline(): number | undefined {
    // What is under way is due when its lease is over: this life may end before its answer comes.
    const isFull = this.#underWay.size >= MAX_AT_ONCE;
    const heads = [...this.#queues].filter(([alert]) => !isFull || this.#underWay.has(alert));
    return earliest(heads.map(([, queue]) => queue[0]?.dueAt));
  }

  /** Begins to send what is due. Nobody waits for it. */
  start(now: number): void {
    for (const [alert, [head]] of this.#queues) {
      if (this.#underWay.size >= MAX_AT_ONCE) return;
      if (head !== undefined && head.dueAt <= now && !this.#underWay.has(alert)) void this.#send(head, now);
    }
  }

  async #send(delivery: Delivery, now: number): Promise<void> {
    const { store, outside, rule: ruleOf, settled } = this.#options;
    const { alert, id, items } = delivery;
    const rule = ruleOf(alert);
    if (rule === undefined) return;
    this.#underWay.add(alert);
    delivery.attempts += 1;
    delivery.dueAt = now + LEASE_MS;
    // Before anything leaves: an object that ends now knows in its next life that it may have been sent.
    store.setDelivery(delivery);
    const body = messageBody(rule.shape, alertMessage(alert, items, isoTime(now)));
    const called = await outside.call({ url: rule.url, id, secret: rule.secret, body, now });
    this.#underWay.delete(alert);
    // It was removed meanwhile, and may be another one of the same name by now.
    if (this.#queue(alert)[0] === delivery) {
      if (called.ok) this.#took(delivery, outside.now());
      else this.#failed(delivery, called.failure, outside.now());
    }
    settled();
  }

  #took(delivery: Delivery, now: number): void {
    const { alert, items } = delivery;
    this.#remove(delivery);
    const count = this.count(alert);
    const delivered = count.delivered + items.length;
    this.#setCount(alert, { ...count, delivered, lastDeliveredAt: now, lastErrorAt: null, lastError: null });
  }

  #failed(delivery: Delivery, failure: Failure, now: number): void {
    const { alert, attempts, items } = delivery;
    const again = retryAt(attempts, failure, now, this.#options.outside.chance());
    const count = this.count(alert);
    const told =
      again === undefined
        ? `${failure.message}; given up after ${attempts} attempt${attempts === 1 ? '' : 's'}`
        : failure.message;
    const dropped = count.dropped + (again === undefined ? items.length : 0);
    this.#setCount(alert, { ...count, dropped, lastErrorAt: now, lastError: told });
    if (again === undefined) return this.#remove(delivery);
    delivery.dueAt = again;
    this.#options.store.setDelivery(delivery);
  }

  #remove({ alert, seq }: Delivery): void {
    this.#options.store.removeDelivery(seq);
    this.#queue(alert).shift();
  }

  #setCount(alert: string, count: DeliveryCount): void {
    this.#counts.set(alert, count);
    this.#options.store.setCount(alert, count);
  }

  #queue(alert: string): Delivery[] {
    const queue = this.#queues.get(alert) ?? [];
    this.#queues.set(alert, queue);
    return queue;
  }
}
