// Owns the SQL of a NodeShard's command queue. The table is made by SHARD_MIGRATIONS in shard-store.ts.

import * as v from 'valibot';
import { CommandErrorSchema, CommandKindSchema, JobStateSchema } from '../../../contract/command.ts';
import type { JobsQuery } from '../../domain/jobs.ts';
import type { CommandRecord } from '../../domain/command-life.ts';

const Time = v.nullable(v.number());
const Members = v.record(v.string(), v.unknown());
const fromJson = v.pipe(v.string(), v.parseJson());

const RowSchema = v.object({
  id: v.string(),
  ordinal: v.number(),
  node: v.string(),
  runtime: v.string(),
  kind: CommandKindSchema,
  args: v.pipe(fromJson, Members),
  state: JobStateSchema,
  attempts: v.number(),
  unanswered: v.number(),
  issued_at: v.number(),
  expires_at: v.number(),
  sent_at: Time,
  delivered_at: Time,
  received_at: Time,
  finished_at: Time,
  result: v.nullable(v.pipe(fromJson, Members)),
  error: v.nullable(v.pipe(fromJson, CommandErrorSchema)),
  idempotency_key: v.nullable(v.string()),
  signature: v.string(),
  cancel_asked_at: Time,
  cancel_signature: v.nullable(v.string()),
});

type Row = Record<string, SqlStorageValue>;

export class CommandStore {
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.#sql = storage.sql;
  }

  loadOpen(): CommandRecord[] {
    return this.#read(
      // Those of before there were ordinals have 0, and came in the order of their times.
      this.#sql.exec<Row>('SELECT * FROM commands WHERE finished_at IS NULL ORDER BY ordinal, issued_at'),
    );
  }

  ofNode(node: string): CommandRecord[] {
    return this.#read(
      this.#sql.exec<Row>('SELECT * FROM commands WHERE node = ? ORDER BY ordinal, issued_at', node),
    );
  }

  /** Newest first. No index: one would be a row more for every step of every command. */
  page({ node, runtime, state, before, limit }: JobsQuery): CommandRecord[] {
    return this.#read(
      this.#sql.exec<Row>(
        `SELECT * FROM commands
         WHERE (?1 IS NULL OR node = ?1) AND (?2 IS NULL OR runtime = ?2) AND (?3 IS NULL OR state = ?3)
           AND (?4 IS NULL OR issued_at < ?4 OR (issued_at = ?4 AND id < ?5))
         ORDER BY issued_at DESC, id DESC LIMIT ?6`,
        node ?? null,
        runtime ?? null,
        state ?? null,
        before?.issuedAt ?? null,
        before?.id ?? null,
        limit,
      ),
    );
  }

  removeAll(node: string): void {
    this.#sql.exec('DELETE FROM commands WHERE node = ?', node);
  }

  find(node: string, id: string): CommandRecord | undefined {
    return this.#read(this.#sql.exec<Row>('SELECT * FROM commands WHERE node = ? AND id = ?', node, id))[0];
  }

  /** The first command that was accepted under the key; only the rows of the node are looked through. */
  findByKey(node: string, runtime: string, kind: string, key: string): CommandRecord | undefined {
    const cursor = this.#sql.exec<Row>(
      `SELECT * FROM commands WHERE node = ? AND runtime = ? AND kind = ? AND idempotency_key = ?
       ORDER BY issued_at LIMIT 1`,
      node,
      runtime,
      kind,
      key,
    );
    return this.#read(cursor)[0];
  }

  save(record: CommandRecord): void {
    this.#sql.exec(
      `INSERT OR REPLACE INTO commands (node, id, ordinal, runtime, kind, args, state, attempts, unanswered,
         issued_at, expires_at, sent_at, delivered_at, received_at, finished_at, result, error, idempotency_key,
         signature, cancel_asked_at, cancel_signature)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      record.node,
      record.id,
      record.ordinal,
      record.runtime,
      record.kind,
      JSON.stringify(record.args),
      record.state,
      record.attempts,
      record.unanswered,
      record.issuedAt,
      record.expiresAt,
      record.sentAt,
      record.deliveredAt,
      record.receivedAt,
      record.finishedAt,
      record.result === null ? null : JSON.stringify(record.result),
      record.error === null ? null : JSON.stringify(record.error),
      record.idempotencyKey,
      record.signature,
      record.cancelAskedAt,
      record.cancelSignature,
    );
  }

  /** True where a command of the kind is open, or ended at that time or later. */
  hasSince(node: string, runtime: string, kind: string, since: number): boolean {
    const cursor = this.#sql.exec(
      `SELECT 1 AS yes FROM commands WHERE node = ? AND runtime = ? AND kind = ?
         AND (finished_at IS NULL OR finished_at >= ?) LIMIT 1`,
      node,
      runtime,
      kind,
      since,
    );
    return cursor.toArray().length > 0;
  }

  /** Keeps the newest finished commands of a node. */
  trimFinished(node: string, keep: number): void {
    this.#sql.exec(
      `DELETE FROM commands WHERE node = ?1 AND id IN (
         SELECT id FROM commands WHERE node = ?1 AND finished_at IS NOT NULL
         ORDER BY finished_at DESC, id LIMIT -1 OFFSET ?2)`,
      node,
      keep,
    );
  }

  removeFinishedUntil(until: number): void {
    this.#sql.exec('DELETE FROM commands WHERE finished_at <= ?', until);
  }

  oldestFinish(): number | undefined {
    const cursor = this.#sql.exec<{ at: number | null }>('SELECT min(finished_at) AS at FROM commands');
    return cursor.one().at ?? undefined;
  }

  /** A row that cannot be read any more is dropped and reported, as a snapshot is. */
  #read(rows: Iterable<Row>): CommandRecord[] {
    return [...rows].flatMap((row) => {
      const parsed = v.safeParse(RowSchema, row);
      if (parsed.success) return [toRecord(parsed.output)];
      console.error(
        `Dropped the unreadable command ${JSON.stringify(row['id'])}: ${parsed.issues[0].message}`,
      );
      this.#sql.exec('DELETE FROM commands WHERE node = ? AND id = ?', row['node'], row['id']);
      return [];
    });
  }
}

function toRecord(row: v.InferOutput<typeof RowSchema>): CommandRecord {
  return {
    id: row.id,
    ordinal: row.ordinal,
    node: row.node,
    runtime: row.runtime,
    kind: row.kind,
    args: row.args,
    state: row.state,
    attempts: row.attempts,
    unanswered: row.unanswered,
    issuedAt: row.issued_at,
    expiresAt: row.expires_at,
    sentAt: row.sent_at,
    deliveredAt: row.delivered_at,
    receivedAt: row.received_at,
    finishedAt: row.finished_at,
    result: row.result,
    error: row.error,
    idempotencyKey: row.idempotency_key,
    signature: row.signature,
    cancelAskedAt: row.cancel_asked_at,
    cancelSignature: row.cancel_signature,
  };
}
