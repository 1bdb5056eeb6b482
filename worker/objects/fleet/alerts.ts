// Owns what Fleet does about trouble: keeps what is troubled, asks of each alert what it does about it, and has that
// told. The event stream is all that it hears; a clock is the one alarm of Fleet.

import type { Alert, AlertRequest, AlertTested } from '../../../contract/alerts.ts';
import type { EventDraft } from '../../../contract/events.ts';
import { problem } from '../../../contract/problem.ts';
import { hasRoom } from '../../domain/alert-delivery.ts';
import { messageBody, testMessage } from '../../domain/alert-message.ts';
import {
  subjectKey,
  troubleChange,
  worsened,
  type Subject,
  type Trouble,
} from '../../domain/alert-troubles.ts';
import type { AlertCounts } from '../../domain/counters.ts';
import { alertItem, decideAlert, ruleOf, type AlertRule, type Opening } from '../../domain/alerts.ts';
import { isoTime } from '../../domain/freshness.ts';
import { earliest } from '../../domain/next-alarm.ts';
import { fail, type Result } from '../../domain/parse.ts';
import { AlertStore } from '../store/alert-store.ts';
import { Deliveries } from './deliveries.ts';
import { checkedTarget, targetOrigin } from './target.ts';
import { OUTSIDE, type Outside } from './webhook.ts';

const MAX_ALERTS = 20;
/** What found no room is looked at again after this long, if no message goes before. */
const NO_ROOM_MS = 30_000;

export type FleetAlertsOptions = {
  storage: DurableObjectStorage;
  allowsLocal: boolean;
  /** Whether a node is in the registry. */
  isKnown: (node: string) => boolean;
  /** The alarm of Fleet must look at `nextDeadline` again. */
  arm: () => void;
  outside?: Outside;
};

export class FleetAlerts {
  readonly #options: FleetAlertsOptions;
  readonly #outside: Outside;
  readonly #store: AlertStore;
  readonly #deliveries: Deliveries;
  readonly #rules = new Map<string, AlertRule>();
  readonly #troubles = new Map<string, Trouble>();
  /** By alert and subject. */
  readonly #openings = new Map<string, Map<string, Opening>>();
  /** When a trouble may have lasted for the grace of an alert. */
  #lookAt: number | undefined;

  constructor(options: FleetAlertsOptions) {
    this.#options = options;
    this.#outside = options.outside ?? OUTSIDE;
    this.#store = new AlertStore(options.storage);
    for (const { rule } of this.#store.alerts()) this.#rules.set(rule.id, rule);
    for (const trouble of this.#store.troubles()) this.#troubles.set(subjectKey(trouble), trouble);
    for (const { alert, opening } of this.#store.openings())
      this.#opened(alert).set(subjectKey(opening), opening);
    this.#deliveries = new Deliveries({
      store: this.#store,
      outside: this.#outside,
      rule: (alert) => this.#rules.get(alert),
      settled: () => {
        // What is next goes out at once, and what had no room may have it now.
        this.passTime(this.#outside.now());
        this.#options.arm();
      },
    });
    // What another life waited for is looked at by its alarm, which is armed still, or when something happens.
    if (this.#troubles.size > 0) this.#lookAt = this.#outside.now();
  }

  /** An event happened. What it begins or ends is written in this turn, with the event. */
  heed(draft: EventDraft, now: number): void {
    const told = troubleChange(draft, now);
    if (told === undefined) return;
    if (told.change === 'begins') {
      // A last word that comes late: nothing would ever end what begins now.
      if (!this.#options.isKnown(told.trouble.node)) return;
      const key = subjectKey(told.trouble);
      const trouble = worsened(this.#troubles.get(key), told.trouble);
      this.#troubles.set(key, trouble);
      this.#store.setTrouble(trouble);
      this.#decide(trouble, now);
    } else if (told.change === 'ends') this.#end(told.subject, now);
    else {
      const gone = [...this.#troubles.values()].filter(
        ({ kind, node, runtime }) =>
          node === told.node && (told.runtime ?? runtime) === runtime && kind !== told.stays,
      );
      for (const trouble of gone) this.#end(trouble, now);
    }
    // Whatever waited before: a new life has its deadlines without having armed for them.
    if (this.nextDeadline() !== undefined) this.#options.arm();
  }

  nextDeadline(): number | undefined {
    return earliest([this.#lookAt, this.#deliveries.nextDeadline()]);
  }

  passTime(now: number): void {
    if (this.#lookAt !== undefined && this.#lookAt <= now) this.#lookAtAll(now);
    this.#deliveries.start(now);
  }

  all(): Alert[] {
    return [...this.#rules.values()]
      .toSorted((a, b) => (a.id < b.id ? -1 : 1))
      .map((rule) => this.#toAlert(rule));
  }

  counts(): AlertCounts[] {
    return [...this.#rules.keys()].map((alert) => {
      const { delivered, dropped } = this.#deliveries.count(alert);
      const queued = this.#deliveries.queued(alert).messages;
      return { alert, open: this.#opened(alert).size, queued, delivered, dropped };
    });
  }

  /** `before` is whether it was there; `note` is called before anything changes. */
  set(
    id: string,
    request: AlertRequest,
    now: number,
    note: (rule: AlertRule) => void,
  ): Result<{ alert: Alert; isNew: boolean }> {
    const before = this.#rules.get(id);
    if (before === undefined && this.#rules.size >= MAX_ALERTS) {
      return fail(problem('too-many-alerts', `Remove one first: a hub has at most ${MAX_ALERTS}`));
    }
    const rule = ruleOf(id, request, before, (url) => checkedTarget(url, this.#options.allowsLocal));
    if (!rule.ok) return rule;
    note(rule.value);
    this.#rules.set(id, rule.value);
    this.#store.setRule(rule.value);
    this.#lookAtAll(now);
    this.#options.arm();
    return { ok: true, value: { alert: this.#toAlert(rule.value), isNew: before === undefined } };
  }

  remove(id: string, note: () => void): Result<null> {
    if (!this.#rules.has(id)) return fail(unknownAlert(id));
    note();
    this.#rules.delete(id);
    this.#openings.delete(id);
    this.#deliveries.forget(id);
    this.#store.removeAlert(id);
    return { ok: true, value: null };
  }

  /** Sends one message at once, whatever waits, and tells what the receiver said. */
  async test(id: string, now: number, note: () => void): Promise<Result<AlertTested>> {
    const rule = this.#rules.get(id);
    if (rule === undefined) return fail(unknownAlert(id));
    note();
    const { url, secret } = rule;
    const body = messageBody(rule.shape, testMessage(id, isoTime(now)));
    const called = await this.#outside.call({ url, secret, body, now, id: `msg_${crypto.randomUUID()}` });
    if (!called.ok) return fail(problem('alert-failed', called.failure.message));
    return { ok: true, value: { ok: true, status: called.status, latency_ms: this.#outside.now() - now } };
  }

  #end(subject: Subject, now: number): void {
    if (!this.#troubles.delete(subjectKey(subject))) return;
    this.#store.removeTrouble(subject);
    this.#decide(subject, now);
  }

  /** Decides anew over everything that is troubled, and everything that was told as open. */
  #lookAtAll(now: number): void {
    this.#lookAt = undefined;
    const subjects = new Map<string, Subject>(this.#troubles);
    for (const openings of this.#openings.values())
      for (const [key, opening] of openings) subjects.set(key, opening);
    for (const subject of subjects.values()) this.#decide(subject, now);
  }

  #decide(subject: Subject, now: number): void {
    for (const rule of this.#rules.values()) this.#decideFor(rule, subject, now);
  }

  #decideFor(rule: AlertRule, subject: Subject, now: number): void {
    const key = subjectKey(subject);
    const openings = this.#opened(rule.id);
    const opening = openings.get(key);
    const decision = decideAlert(rule, this.#troubles.get(key), opening, now);
    switch (decision.act) {
      case 'none':
        return;
      case 'wait':
        this.#lookAt = Math.min(this.#lookAt ?? Number.POSITIVE_INFINITY, decision.until);
        return;
      case 'open':
        // Without room it stays as it is; a message that goes makes room, and has everything looked at.
        if (!hasRoom(this.#deliveries.queued(rule.id).items, openings.size)) {
          this.#lookAt = Math.min(this.#lookAt ?? Number.POSITIVE_INFINITY, now + NO_ROOM_MS);
          return;
        }
        return this.#open(rule.id, { ...decision.opening, key: crypto.randomUUID() }, now);
      case 'resolve':
        if (opening === undefined) throw new Error('An end without an opening');
        openings.delete(key);
        this.#store.removeOpening(rule.id, opening);
        if (rule.recoveries) this.#deliveries.add(rule.id, alertItem(opening, now), now);
        // A trouble that is there again, or another one, is decided by itself.
        return this.#decideFor(rule, subject, now);
      default:
        decision satisfies never;
    }
  }

  #open(alert: string, opening: Opening, now: number): void {
    this.#opened(alert).set(subjectKey(opening), opening);
    this.#store.addOpening(alert, opening);
    this.#deliveries.add(alert, alertItem(opening), now);
  }

  #opened(alert: string): Map<string, Opening> {
    const openings = this.#openings.get(alert) ?? new Map<string, Opening>();
    this.#openings.set(alert, openings);
    return openings;
  }

  #toAlert(rule: AlertRule): Alert {
    const { id, shape, url, secret, kinds, nodes, runtimes, minSeverity, graceMs, recoveries, enabled } =
      rule;
    const count = this.#deliveries.count(id);
    const { messages, nextAttemptAt } = this.#deliveries.queued(id);
    return {
      id,
      shape,
      target: targetOrigin(url),
      signed: secret !== null,
      kinds: [...kinds],
      ...(nodes && { nodes: [...nodes] }),
      ...(runtimes && { runtimes: [...runtimes] }),
      min_severity: minSeverity,
      grace_seconds: graceMs / 1000,
      recoveries,
      enabled,
      open: [...this.#opened(id).values()].map((opening) => alertItem(opening)),
      delivery: {
        queued: messages,
        delivered: count.delivered,
        dropped: count.dropped,
        ...(count.lastDeliveredAt !== null && { last_delivered_at: isoTime(count.lastDeliveredAt) }),
        ...(nextAttemptAt !== undefined && { next_attempt_at: isoTime(nextAttemptAt) }),
        ...(count.lastErrorAt !== null && {
          last_error: { time: isoTime(count.lastErrorAt), message: count.lastError ?? '' },
        }),
      },
    };
  }
}

function unknownAlert(id: string) {
  return problem('unknown-alert', `There is no alert "${id}": GET /alerts lists them`);
}
