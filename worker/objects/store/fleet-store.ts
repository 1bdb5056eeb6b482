// Owns the SQL of Fleet: the registry of nodes with the hashes of their tokens, and the join tokens.

import * as v from 'valibot';
import type { Credentials, TokenHash } from '../../domain/credentials.ts';
import type { Home } from '../../domain/home.ts';
import { migrate } from './migrate.ts';

/** Append only: what is in use somewhere is never edited. */
export const FLEET_MIGRATIONS = [
  // 1: the first version. `untold` counts the changes that the shard of the node has not confirmed;
  // a node that was removed stays until then, with `removed_at`.
  `CREATE TABLE nodes (
     node TEXT PRIMARY KEY,
     command_key TEXT NOT NULL,
     created_at INTEGER NOT NULL,
     removed_at INTEGER,
     untold INTEGER NOT NULL DEFAULT 0
   ) WITHOUT ROWID;
   CREATE TABLE node_tokens (
     node TEXT NOT NULL,
     hash TEXT NOT NULL,
     until INTEGER,
     PRIMARY KEY (node, hash)
   ) WITHOUT ROWID;
   CREATE TABLE join_tokens (
     hash TEXT PRIMARY KEY,
     uses_left INTEGER NOT NULL,
     expires_at INTEGER NOT NULL
   ) WITHOUT ROWID;`,
  // 2: the shard that holds what is known of a node, and those that may still do. Before, every fleet of one shard
  // had all of them in the first.
  `ALTER TABLE nodes ADD COLUMN home INTEGER NOT NULL DEFAULT 0;
   ALTER TABLE nodes ADD COLUMN former TEXT NOT NULL DEFAULT '[]';
   ALTER TABLE nodes ADD COLUMN moves INTEGER NOT NULL DEFAULT 0;`,
  // 3: who asked for what. A table with row ids: an entry is one row, and ids grow.
  `CREATE TABLE audit (
     id INTEGER PRIMARY KEY,
     at INTEGER NOT NULL,
     role TEXT NOT NULL,
     actor TEXT NOT NULL,
     action TEXT NOT NULL,
     node TEXT,
     runtime TEXT,
     job_id TEXT,
     args TEXT,
     forced INTEGER NOT NULL,
     request_id TEXT NOT NULL
   );`,
  // 4: the event log. `previous` is the id before, `ordinal` and `total_bytes` run on, so that two rows tell how much
  // there is; `source` is the draft's name at the shard that made it.
  `CREATE TABLE events (
     id INTEGER PRIMARY KEY,
     previous INTEGER NOT NULL,
     ordinal INTEGER NOT NULL,
     total_bytes INTEGER NOT NULL,
     source TEXT,
     kind TEXT NOT NULL,
     body TEXT NOT NULL
   );`,
  // 5: each change asks what waits: without these it looks at every node, and a large fleet enrols ever more slowly.
  `CREATE INDEX nodes_untold ON nodes (node) WHERE untold > 0;
   CREATE INDEX node_tokens_by_end ON node_tokens (until) WHERE until IS NOT NULL;`,
  // 6: alerts: the rules, with the secrets of their receivers; what is troubled; what was told as open; messages that wait.
  `CREATE TABLE alerts (
     id TEXT PRIMARY KEY,
     rule TEXT NOT NULL,
     delivered INTEGER NOT NULL DEFAULT 0,
     dropped INTEGER NOT NULL DEFAULT 0,
     last_delivered_at INTEGER,
     last_error_at INTEGER,
     last_error TEXT
   ) WITHOUT ROWID;
   CREATE TABLE alert_troubles (
     kind TEXT NOT NULL,
     node TEXT NOT NULL,
     runtime TEXT NOT NULL,
     body TEXT NOT NULL,
     PRIMARY KEY (node, runtime, kind)
   ) WITHOUT ROWID;
   CREATE TABLE alert_openings (
     alert TEXT NOT NULL,
     kind TEXT NOT NULL,
     node TEXT NOT NULL,
     runtime TEXT NOT NULL,
     body TEXT NOT NULL,
     PRIMARY KEY (alert, node, runtime, kind)
   ) WITHOUT ROWID;
   CREATE TABLE alert_deliveries (
     seq INTEGER PRIMARY KEY,
     id TEXT NOT NULL,
     alert TEXT NOT NULL,
     due_at INTEGER NOT NULL,
     attempts INTEGER NOT NULL,
     items TEXT NOT NULL
   );`,
];

const FormerSchema = v.pipe(v.string(), v.parseJson(), v.array(v.number()));

type HomeRow = { node: string; home: number; former: string; moves: number };

export class FleetStore {
  readonly #storage: DurableObjectStorage;
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    migrate(storage, FLEET_MIGRATIONS);
    this.#storage = storage;
    this.#sql = storage.sql;
  }

  transaction<T>(work: () => T): T {
    return this.#storage.transactionSync(work);
  }

  addJoinToken(hash: string, uses: number, expiresAt: number): void {
    this.#sql.exec(
      'INSERT INTO join_tokens (hash, uses_left, expires_at) VALUES (?, ?, ?)',
      hash,
      uses,
      expiresAt,
    );
  }

  isJoinTokenValid(hash: string, now: number): boolean {
    const query = 'SELECT 1 AS yes FROM join_tokens WHERE hash = ? AND uses_left > 0 AND expires_at > ?';
    return this.#sql.exec(query, hash, now).toArray().length > 0;
  }

  spendJoinToken(hash: string): void {
    this.#sql.exec('UPDATE join_tokens SET uses_left = uses_left - 1 WHERE hash = ?', hash);
    this.#sql.exec('DELETE FROM join_tokens WHERE uses_left <= 0');
  }

  addNode({ node, commandKey, home }: { node: string; commandKey: string; home: number }, now: number): void {
    this.#sql.exec(
      'INSERT INTO nodes (node, command_key, created_at, home) VALUES (?, ?, ?, ?)',
      node,
      commandKey,
      now,
      home,
    );
  }

  /** Undefined where the node is not in the registry; of one that was removed and waits for its shard, too. */
  home(node: string): Home | undefined {
    const query = 'SELECT node, home, former, moves FROM nodes WHERE node = ?';
    const [row] = this.#sql.exec<HomeRow>(query, node).toArray();
    return row && toHome(row);
  }

  /** Of all nodes that are not removed. */
  homes(): { node: string; home: Home }[] {
    return this.#sql
      .exec<HomeRow>('SELECT node, home, former, moves FROM nodes WHERE removed_at IS NULL ORDER BY node')
      .toArray()
      .map((row) => ({ node: row.node, home: toHome(row) }));
  }

  setHome(node: string, { index, former, moves }: Home): void {
    this.#sql.exec(
      'UPDATE nodes SET home = ?, former = ?, moves = ? WHERE node = ?',
      index,
      JSON.stringify(former),
      moves,
      node,
    );
  }

  nodes(): { node: string; enrolledAt: number }[] {
    return this.#sql
      .exec<{ node: string; created_at: number }>(
        'SELECT node, created_at FROM nodes WHERE removed_at IS NULL ORDER BY node',
      )
      .toArray()
      .map(({ node, created_at }) => ({ node, enrolledAt: created_at }));
  }

  /** Undefined where the node is not in the registry, or was removed from it. */
  credentials(node: string): Credentials | undefined {
    const query = 'SELECT command_key FROM nodes WHERE node = ? AND removed_at IS NULL';
    const [row] = this.#sql.exec<{ command_key: string }>(query, node).toArray();
    if (row === undefined) return undefined;
    const tokens = this.#sql
      .exec<TokenHash>('SELECT hash, until FROM node_tokens WHERE node = ?', node)
      .toArray();
    return { node, commandKey: row.command_key, tokens };
  }

  /** Replaces the tokens of the node, and marks the change as one that its shard must hear of. */
  setTokens(node: string, tokens: readonly TokenHash[]): void {
    this.#sql.exec('DELETE FROM node_tokens WHERE node = ?', node);
    for (const { hash, until } of tokens) {
      this.#sql.exec('INSERT INTO node_tokens (node, hash, until) VALUES (?, ?, ?)', node, hash, until);
    }
    this.#sql.exec('UPDATE nodes SET untold = untold + 1 WHERE node = ?', node);
  }

  /** The node is gone at once for everybody who asks here; its row waits until its shard knows too. */
  markRemoved(node: string, now: number): void {
    this.#sql.exec('DELETE FROM node_tokens WHERE node = ?', node);
    this.#sql.exec('UPDATE nodes SET removed_at = ?, untold = untold + 1 WHERE node = ?', now, node);
  }

  isAwaitingRemoval(node: string): boolean {
    const query = 'SELECT 1 AS yes FROM nodes WHERE node = ? AND removed_at IS NOT NULL';
    return this.#sql.exec(query, node).toArray().length > 0;
  }

  /** The changes that the shard of the node must still hear of; 0 where it knows all. */
  untoldOf(node: string): number {
    const query = 'SELECT untold FROM nodes WHERE node = ?';
    return this.#sql.exec<{ untold: number }>(query, node).toArray()[0]?.untold ?? 0;
  }

  hasUntold(): boolean {
    return this.#sql.exec('SELECT 1 AS yes FROM nodes WHERE untold > 0 LIMIT 1').toArray().length > 0;
  }

  /** Nodes whose shard must still be told, each with the number of changes it must hear of. */
  untold(): { node: string; untold: number }[] {
    return this.#sql
      .exec<{ node: string; untold: number }>('SELECT node, untold FROM nodes WHERE untold > 0')
      .toArray();
  }

  /** The shard knows the node as it was after that many changes; a later change still waits. */
  markTold(node: string, untold: number): void {
    this.#sql.exec(
      'DELETE FROM nodes WHERE node = ? AND untold = ? AND removed_at IS NOT NULL',
      node,
      untold,
    );
    this.#sql.exec('UPDATE nodes SET untold = 0 WHERE node = ? AND untold = ?', node, untold);
  }

  removeExpired(now: number): void {
    this.#sql.exec('DELETE FROM join_tokens WHERE expires_at <= ?', now);
    this.#sql.exec('DELETE FROM node_tokens WHERE until <= ?', now);
  }

  /** When the next join token or replaced node token ends. */
  firstExpiry(): number | undefined {
    const query = `SELECT min(at) AS at FROM (
      SELECT min(expires_at) AS at FROM join_tokens
      UNION ALL SELECT min(until) FROM node_tokens WHERE until IS NOT NULL)`;
    return this.#sql.exec<{ at: number | null }>(query).one().at ?? undefined;
  }
}

function toHome({ home, former, moves }: HomeRow): Home {
  return { index: home, former: v.parse(FormerSchema, former), moves };
}
