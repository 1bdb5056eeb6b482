// Owns the SQL of Fleet's audit log. The table is made by FLEET_MIGRATIONS in fleet-store.ts.

import * as v from 'valibot';
import type { AuditEntry } from '../../../contract/audit.ts';
import { AUDIT_KEPT, type AuditDraft, type AuditQuery } from '../../domain/audit.ts';
import { isoTime } from '../../domain/freshness.ts';

const RowSchema = v.object({
  id: v.number(),
  at: v.number(),
  role: v.string(),
  actor: v.string(),
  action: v.string(),
  node: v.nullable(v.string()),
  runtime: v.nullable(v.string()),
  job_id: v.nullable(v.string()),
  args: v.nullable(v.pipe(v.string(), v.parseJson(), v.record(v.string(), v.unknown()))),
  forced: v.number(),
  request_id: v.string(),
});

export class AuditStore {
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.#sql = storage.sql;
  }

  add(draft: AuditDraft, now: number): void {
    const { actor, action, node, runtime, jobId, args, isForced, requestId } = draft;
    const { id } = this.#sql
      .exec<{ id: number }>(
        `INSERT INTO audit (at, role, actor, action, node, runtime, job_id, args, forced, request_id)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`,
        now,
        actor.role,
        actor.id,
        action,
        node ?? null,
        runtime ?? null,
        jobId ?? null,
        args === undefined ? null : JSON.stringify(args),
        isForced === true ? 1 : 0,
        requestId,
      )
      .one();
    this.#sql.exec('DELETE FROM audit WHERE id <= ?', id - AUDIT_KEPT);
  }

  /** Newest first; at most so many. */
  page({ node, action, forced, cursor }: Omit<AuditQuery, 'limit'>, limit: number): AuditEntry[] {
    return this.#sql
      .exec<Record<string, SqlStorageValue>>(
        `SELECT * FROM audit
         WHERE (?1 IS NULL OR id < ?1) AND (?2 IS NULL OR node = ?2) AND (?3 IS NULL OR action = ?3)
           AND (?4 IS NULL OR forced = ?4)
         ORDER BY id DESC LIMIT ?5`,
        cursor ?? null,
        node ?? null,
        action ?? null,
        forced === undefined ? null : Number(forced),
        limit,
      )
      .toArray()
      .map((row) => toEntry(v.parse(RowSchema, row)));
  }
}

function toEntry(row: v.InferOutput<typeof RowSchema>): AuditEntry {
  return {
    id: row.id,
    time: isoTime(row.at),
    actor: { role: row.role, id: row.actor },
    action: row.action,
    ...(row.node !== null && { node: row.node }),
    ...(row.runtime !== null && { runtime_id: row.runtime }),
    ...(row.job_id !== null && { job_id: row.job_id }),
    ...(row.args !== null && { args: row.args }),
    forced: row.forced === 1,
    request_id: row.request_id,
  };
}
