// Owns the SQL of alerts: the rules, the troubles there are, what was told as open, and the messages on their way. The
// tables are made by FLEET_MIGRATIONS in fleet-store.ts.

import * as v from 'valibot';
import { AlertItemSchema } from '../../../contract/alerts.ts';
import type { Delivery } from '../../domain/alert-delivery.ts';
import type { Subject, Trouble } from '../../domain/alert-troubles.ts';
import type { AlertRule, Opening } from '../../domain/alerts.ts';

/** How the deliveries of an alert went so far. */
export type DeliveryCount = {
  delivered: number;
  dropped: number;
  lastDeliveredAt: number | null;
  lastErrorAt: number | null;
  lastError: string | null;
};

export type StoredAlert = { rule: AlertRule; count: DeliveryCount };

const Text = v.pipe(v.string(), v.parseJson());
const KindSchema = v.picklist(['runtime.state', 'node.stale', 'budget.exhausted']);
const RuleSchema = v.pipe(
  Text,
  v.object({
    id: v.string(),
    shape: v.picklist(['generic', 'slack', 'discord']),
    url: v.string(),
    secret: v.nullable(v.string()),
    kinds: v.array(KindSchema),
    nodes: v.exactOptional(v.array(v.string())),
    runtimes: v.exactOptional(v.array(v.string())),
    minSeverity: v.picklist(['warn', 'error']),
    graceMs: v.number(),
    recoveries: v.boolean(),
    enabled: v.boolean(),
  }),
);
const SeveritySchema = v.picklist(['warn', 'error']);
const SubjectEntries = { kind: KindSchema, node: v.string(), runtime: v.string() };
const TroubleSchema = v.pipe(
  Text,
  v.object({
    ...SubjectEntries,
    severity: SeveritySchema,
    summary: v.string(),
    since: v.number(),
    errorSince: v.nullable(v.number()),
  }),
);
const OpeningSchema = v.pipe(
  Text,
  v.object({
    ...SubjectEntries,
    severity: SeveritySchema,
    summary: v.string(),
    since: v.number(),
    key: v.string(),
  }),
);
const ItemsSchema = v.pipe(Text, v.array(AlertItemSchema));

type DeliveryRow = {
  seq: number;
  id: string;
  alert: string;
  due_at: number;
  attempts: number;
  items: string;
};
type AlertRow = {
  rule: string;
  delivered: number;
  dropped: number;
  last_delivered_at: number | null;
  last_error_at: number | null;
  last_error: string | null;
};

export class AlertStore {
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.#sql = storage.sql;
  }

  alerts(): StoredAlert[] {
    return this.#sql
      .exec<AlertRow>('SELECT * FROM alerts ORDER BY id')
      .toArray()
      .map((row) => ({
        rule: v.parse(RuleSchema, row.rule),
        count: {
          delivered: row.delivered,
          dropped: row.dropped,
          lastDeliveredAt: row.last_delivered_at,
          lastErrorAt: row.last_error_at,
          lastError: row.last_error,
        },
      }));
  }

  setRule(rule: AlertRule): void {
    this.#sql.exec(
      'INSERT INTO alerts (id, rule) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET rule = excluded.rule',
      rule.id,
      JSON.stringify(rule),
    );
  }

  setCount(alert: string, count: DeliveryCount): void {
    this.#sql.exec(
      `UPDATE alerts SET delivered = ?, dropped = ?, last_delivered_at = ?, last_error_at = ?, last_error = ?
       WHERE id = ?`,
      count.delivered,
      count.dropped,
      count.lastDeliveredAt,
      count.lastErrorAt,
      count.lastError,
      alert,
    );
  }

  removeAlert(id: string): void {
    this.#sql.exec('DELETE FROM alerts WHERE id = ?', id);
    this.#sql.exec('DELETE FROM alert_openings WHERE alert = ?', id);
    this.#sql.exec('DELETE FROM alert_deliveries WHERE alert = ?', id);
  }

  troubles(): Trouble[] {
    return this.#sql
      .exec<{ body: string }>('SELECT body FROM alert_troubles')
      .toArray()
      .map(({ body }) => v.parse(TroubleSchema, body));
  }

  setTrouble(trouble: Trouble): void {
    const { kind, node, runtime } = trouble;
    this.#sql.exec(
      'INSERT OR REPLACE INTO alert_troubles (kind, node, runtime, body) VALUES (?, ?, ?, ?)',
      kind,
      node,
      runtime,
      JSON.stringify(trouble),
    );
  }

  removeTrouble({ kind, node, runtime }: Subject): void {
    this.#sql.exec(
      'DELETE FROM alert_troubles WHERE kind = ? AND node = ? AND runtime = ?',
      kind,
      node,
      runtime,
    );
  }

  openings(): { alert: string; opening: Opening }[] {
    return this.#sql
      .exec<{ alert: string; body: string }>('SELECT alert, body FROM alert_openings')
      .toArray()
      .map(({ alert, body }) => ({ alert, opening: v.parse(OpeningSchema, body) }));
  }

  addOpening(alert: string, opening: Opening): void {
    const { kind, node, runtime } = opening;
    this.#sql.exec(
      'INSERT INTO alert_openings (alert, kind, node, runtime, body) VALUES (?, ?, ?, ?, ?)',
      alert,
      kind,
      node,
      runtime,
      JSON.stringify(opening),
    );
  }

  removeOpening(alert: string, { kind, node, runtime }: Subject): void {
    this.#sql.exec(
      'DELETE FROM alert_openings WHERE alert = ? AND kind = ? AND node = ? AND runtime = ?',
      alert,
      kind,
      node,
      runtime,
    );
  }

  deliveries(): Delivery[] {
    return this.#sql
      .exec<DeliveryRow>('SELECT * FROM alert_deliveries ORDER BY seq')
      .toArray()
      .map(({ due_at: dueAt, items, ...row }) => ({ ...row, dueAt, items: v.parse(ItemsSchema, items) }));
  }

  /** @returns its number */
  addDelivery({ id, alert, dueAt, attempts, items }: Omit<Delivery, 'seq'>): number {
    return this.#sql
      .exec<{ seq: number }>(
        `INSERT INTO alert_deliveries (id, alert, due_at, attempts, items) VALUES (?, ?, ?, ?, ?)
         RETURNING seq`,
        id,
        alert,
        dueAt,
        attempts,
        JSON.stringify(items),
      )
      .one().seq;
  }

  setDelivery({ seq, dueAt, attempts, items }: Delivery): void {
    this.#sql.exec(
      'UPDATE alert_deliveries SET due_at = ?, attempts = ?, items = ? WHERE seq = ?',
      dueAt,
      attempts,
      JSON.stringify(items),
      seq,
    );
  }

  removeDelivery(seq: number): void {
    this.#sql.exec('DELETE FROM alert_deliveries WHERE seq = ?', seq);
  }
}
