// Owns the SQL of a NodeShard's actions. The table is made by SHARD_MIGRATIONS in shard-store.ts.

import * as v from 'valibot';
import { ActionStateSchema, ChatOutputSchema } from '../../../contract/actions.ts';
import { CommandErrorSchema } from '../../../contract/command.ts';
import type { ActionRecord } from '../../domain/action-life.ts';

const fromJson = v.pipe(v.string(), v.parseJson());

const RowSchema = v.object({
  id: v.string(),
  node: v.string(),
  runtime: v.string(),
  backend: v.string(),
  model: v.nullable(v.string()),
  state: ActionStateSchema,
  stream: v.number(),
  project: v.nullable(v.string()),
  agent: v.nullable(v.string()),
  submitted_at: v.number(),
  finished_at: v.nullable(v.number()),
  output: v.nullable(v.pipe(fromJson, ChatOutputSchema)),
  error: v.nullable(v.pipe(fromJson, CommandErrorSchema)),
  idempotency_key: v.nullable(v.string()),
  digest: v.string(),
});

type Row = Record<string, SqlStorageValue>;

export class ActionStore {
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.#sql = storage.sql;
  }

  loadOpen(): ActionRecord[] {
    return this.#read(this.#sql.exec<Row>('SELECT * FROM actions WHERE finished_at IS NULL'));
  }

  find(node: string, id: string): ActionRecord | undefined {
    return this.#read(this.#sql.exec<Row>('SELECT * FROM actions WHERE node = ? AND id = ?', node, id))[0];
  }

  findByKey(key: string): ActionRecord | undefined {
    return this.#read(this.#sql.exec<Row>('SELECT * FROM actions WHERE idempotency_key = ? LIMIT 1', key))[0];
  }

  save(record: ActionRecord): void {
    this.#sql.exec(
      `INSERT OR REPLACE INTO actions (node, id, runtime, backend, model, state, stream, project, agent, submitted_at,
         finished_at, output, error, idempotency_key, digest)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      record.node,
      record.id,
      record.runtime,
      record.backend,
      record.model,
      record.state,
      record.stream,
      record.project,
      record.agent,
      record.submittedAt,
      record.finishedAt,
      record.output === null ? null : JSON.stringify(record.output),
      record.error === null ? null : JSON.stringify(record.error),
      record.idempotencyKey,
      record.digest,
    );
  }

  /** Keeps the newest of a node's that are over. */
  trimFinished(node: string, keep: number): void {
    this.#sql.exec(
      `DELETE FROM actions WHERE node = ?1 AND id IN (
         SELECT id FROM actions WHERE node = ?1 AND finished_at IS NOT NULL
         ORDER BY finished_at DESC, id LIMIT -1 OFFSET ?2)`,
      node,
      keep,
    );
  }

  removeFinishedUntil(until: number): void {
    this.#sql.exec('DELETE FROM actions WHERE finished_at <= ?', until);
  }

  oldestFinish(): number | undefined {
    return (
      this.#sql.exec<{ at: number | null }>('SELECT min(finished_at) AS at FROM actions').one().at ??
      undefined
    );
  }

  /** A row that cannot be read any more is dropped and reported, as a snapshot is. */
  #read(rows: Iterable<Row>): ActionRecord[] {
    return [...rows].flatMap((row) => {
      const parsed = v.safeParse(RowSchema, row);
      if (parsed.success) return [toRecord(parsed.output)];
      console.error(
        `Dropped the unreadable action ${JSON.stringify(row['id'])}: ${parsed.issues[0].message}`,
      );
      this.#sql.exec('DELETE FROM actions WHERE node = ? AND id = ?', row['node'], row['id']);
      return [];
    });
  }
}

function toRecord(row: v.InferOutput<typeof RowSchema>): ActionRecord {
  const {
    submitted_at: submittedAt,
    finished_at: finishedAt,
    idempotency_key: idempotencyKey,
    ...rest
  } = row;
  return { ...rest, submittedAt, finishedAt, idempotencyKey };
}
