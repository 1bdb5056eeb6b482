// Owns the SQL of Fleet's event log: bounded in rows and in bytes, trimmed in batches. The table is made by
// FLEET_MIGRATIONS in fleet-store.ts.

import type { Reach } from '../../domain/event-stream.ts';

/** A state change for each of 1,000 runtimes, ten times over: a client that was away for a deployment misses nothing. */
const MAX_ROWS = 10_000;
const MAX_BYTES = 8 * 1024 * 1024;

/** One statement for so many rows. */
const TRIM_ROWS = 500;

export type LoggedEvent = { id: number; kind: string; body: string };
type NewEvent = LoggedEvent & { source: string | undefined };
type Edge = { id: number; previous: number; ordinal: number; total_bytes: number };

export class EventLog {
  readonly #sql: SqlStorage;
  readonly #encoder = new TextEncoder();
  #oldest: Edge | undefined;
  #newest: Edge | undefined;

  constructor(storage: DurableObjectStorage) {
    this.#sql = storage.sql;
    this.#oldest = this.#edge('ASC');
    this.#newest = this.#edge('DESC');
  }

  /** 0 where there is none. */
  get lastId(): number {
    return this.#newest?.id ?? 0;
  }

  get reach(): Reach | undefined {
    const oldest = this.#oldest;
    return oldest && { first: oldest.id, before: oldest.previous, trimmed: oldest.ordinal > 1 };
  }

  add({ id, kind, body, source }: NewEvent): void {
    const last = this.#newest;
    const row: Edge = {
      id,
      // The first one of all: no id of an earlier log, if there was one, reaches up to it.
      previous: last?.id ?? id - 1,
      ordinal: (last?.ordinal ?? 0) + 1,
      total_bytes: (last?.total_bytes ?? 0) + this.#encoder.encode(body).byteLength,
    };
    this.#sql.exec(
      `INSERT INTO events (id, previous, ordinal, total_bytes, source, kind, body) VALUES (?, ?, ?, ?, ?, ?, ?)`,
      row.id,
      row.previous,
      row.ordinal,
      row.total_bytes,
      source ?? null,
      kind,
      body,
    );
    this.#newest = row;
    this.#oldest ??= row;
    while (isFull(this.#oldest, row)) this.#oldest = this.#trimmed(row);
  }

  /** The next events after an id, in order. */
  after(id: number, limit: number): LoggedEvent[] {
    return this.#sql
      .exec<LoggedEvent>('SELECT id, kind, body FROM events WHERE id > ? ORDER BY id LIMIT ?', id, limit)
      .toArray();
  }

  /** The id after which exactly the last `count` events come that are wanted; 0 where there are not so many. */
  before(count: number, isWanted: (kind: string) => boolean): number {
    if (count === 0) return this.lastId;
    let left = count;
    const newestFirst = this.#sql.exec<{ previous: number; kind: string }>(
      'SELECT previous, kind FROM events ORDER BY id DESC',
    );
    for (const { previous, kind } of newestFirst) {
      if (isWanted(kind)) left -= 1;
      if (left === 0) return previous;
    }
    return 0;
  }

  /** True where the draft is in the log. It looks through all of it, so it is for those told a second time. */
  has(source: string): boolean {
    return (
      this.#sql.exec('SELECT 1 AS yes FROM events WHERE source = ? LIMIT 1', source).toArray().length > 0
    );
  }

  /** The oldest row once the oldest ones are gone; the newest always stays. */
  #trimmed(newest: Edge): Edge {
    this.#sql.exec(
      `DELETE FROM events WHERE id IN (SELECT id FROM events WHERE id < ? ORDER BY id LIMIT ${TRIM_ROWS})`,
      newest.id,
    );
    return this.#edge('ASC') ?? newest;
  }

  #edge(order: 'ASC' | 'DESC'): Edge | undefined {
    const query = `SELECT id, previous, ordinal, total_bytes FROM events ORDER BY id ${order} LIMIT 1`;
    return this.#sql.exec<Edge>(query).toArray()[0];
  }
}

function isFull(oldest: Edge, newest: Edge): boolean {
  const rows = newest.ordinal - oldest.ordinal + 1;
  return rows > 1 && (rows > MAX_ROWS || newest.total_bytes - oldest.total_bytes > MAX_BYTES);
}
