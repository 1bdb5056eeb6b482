// Owns the SQL of a NodeShard: the last written snapshot of each of its nodes. Commands are in command-store.ts.

import * as v from 'valibot';
import { SnapshotSchema, type Snapshot } from '../../../contract/snapshot.ts';
import { parseText } from '../../domain/parse.ts';
import { migrate } from './migrate.ts';

/** Append only: what is in use somewhere is never edited. */
export const SHARD_MIGRATIONS = [
  // 1: the first version. WITHOUT ROWID makes a write one row instead of two.
  `CREATE TABLE snapshots (
     node TEXT PRIMARY KEY,
     received_at INTEGER NOT NULL,
     transport TEXT NOT NULL,
     body TEXT NOT NULL
   ) WITHOUT ROWID;
   CREATE TABLE commands (
     node TEXT NOT NULL,
     id TEXT NOT NULL,
     runtime TEXT NOT NULL,
     kind TEXT NOT NULL,
     args TEXT NOT NULL,
     state TEXT NOT NULL,
     attempts INTEGER NOT NULL,
     unanswered INTEGER NOT NULL,
     issued_at INTEGER NOT NULL,
     expires_at INTEGER NOT NULL,
     sent_at INTEGER,
     delivered_at INTEGER,
     received_at INTEGER,
     finished_at INTEGER,
     result TEXT,
     error TEXT,
     idempotency_key TEXT,
     signature TEXT NOT NULL,
     PRIMARY KEY (node, id)
   ) WITHOUT ROWID;`,
  // 2: times alone do not order what is accepted in one millisecond.
  'ALTER TABLE commands ADD COLUMN ordinal INTEGER NOT NULL DEFAULT 0',
  // 3: for how long the node was told that its word counts; NULL: as long as the operator has set.
  'ALTER TABLE snapshots ADD COLUMN ttl_seconds INTEGER',
  // 4: actions. By their end they are loaded (those that have none), counted and removed; few have a key.
  `CREATE TABLE actions (
     node TEXT NOT NULL,
     id TEXT NOT NULL,
     runtime TEXT NOT NULL,
     backend TEXT NOT NULL,
     model TEXT,
     state TEXT NOT NULL,
     stream INTEGER NOT NULL,
     project TEXT,
     agent TEXT,
     submitted_at INTEGER NOT NULL,
     finished_at INTEGER,
     output TEXT,
     error TEXT,
     idempotency_key TEXT,
     digest TEXT NOT NULL,
     PRIMARY KEY (node, id)
   ) WITHOUT ROWID;
   CREATE INDEX actions_by_end ON actions (finished_at);
   CREATE INDEX actions_by_key ON actions (idempotency_key) WHERE idempotency_key IS NOT NULL;`,
  // 5: since when a node is asked not to begin a command.
  `ALTER TABLE commands ADD COLUMN cancel_asked_at INTEGER;
   ALTER TABLE commands ADD COLUMN cancel_signature TEXT;`,
  // 6: what Fleet has not been told yet; whose silence was told; what somebody subscribes to, and until when.
  `CREATE TABLE untold_events (id INTEGER PRIMARY KEY, body TEXT NOT NULL);
   CREATE TABLE silences (node TEXT PRIMARY KEY, since INTEGER NOT NULL) WITHOUT ROWID;
   CREATE TABLE watches (topic TEXT PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID;`,
];

const TransportSchema = v.picklist(['socket', 'post']);
export type Transport = v.InferOutput<typeof TransportSchema>;

export type StoredSnapshot = {
  snapshot: Snapshot;
  receivedAt: number;
  /** What the node was told; undefined in rows of before it was kept. */
  ttlSeconds: number | undefined;
  transport: Transport;
};

/** A snapshot as it is written, `body` being its JSON. */
export type SnapshotToStore = Omit<StoredSnapshot, 'snapshot'> & { node: string; body: string };

type SnapshotRow = {
  node: string;
  received_at: number;
  ttl_seconds: number | null;
  transport: string;
  body: string;
};

export class SnapshotStore {
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    migrate(storage, SHARD_MIGRATIONS);
    this.#sql = storage.sql;
  }

  /**
   * Each with the text that it was parsed from. A row that cannot be read any more is dropped and reported: it must not
   * keep the others from loading.
   */
  load(): (StoredSnapshot & { text: string })[] {
    const rows = this.#sql
      .exec<SnapshotRow>('SELECT node, received_at, ttl_seconds, transport, body FROM snapshots')
      .toArray();
    return rows.flatMap((row) => {
      const parsed = parseText(SnapshotSchema, row.body);
      const transport = v.safeParse(TransportSchema, row.transport);
      if (parsed.ok && transport.success && parsed.value.target === row.node) {
        const { received_at: receivedAt, ttl_seconds: told } = row;
        const ttlSeconds = told ?? undefined;
        const text = row.body;
        return [{ snapshot: parsed.value, text, receivedAt, ttlSeconds, transport: transport.output }];
      }
      const reason = parsed.ok ? 'its columns do not fit' : parsed.problem.detail;
      console.error(`Dropped the unreadable snapshot of node ${JSON.stringify(row.node)}: ${reason}`);
      this.remove(row.node);
      return [];
    });
  }

  save({ node, body, receivedAt, ttlSeconds, transport }: SnapshotToStore): void {
    this.#sql.exec(
      'INSERT OR REPLACE INTO snapshots (node, received_at, ttl_seconds, transport, body) VALUES (?, ?, ?, ?, ?)',
      node,
      receivedAt,
      ttlSeconds ?? null,
      transport,
      body,
    );
  }

  remove(node: string): void {
    this.#sql.exec('DELETE FROM snapshots WHERE node = ?', node);
  }
}
