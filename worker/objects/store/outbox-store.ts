// Owns the SQL of what a shard has to tell of its nodes: events that Fleet has not confirmed, silences that were told,
// and what is subscribed to. The tables are made by SHARD_MIGRATIONS in shard-store.ts.

export type Untold = { id: number; body: string };

export class OutboxStore {
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.#sql = storage.sql;
  }

  untold(): Untold[] {
    return this.#sql.exec<Untold>('SELECT id, body FROM untold_events ORDER BY id').toArray();
  }

  add({ id, body }: Untold): void {
    this.#sql.exec('INSERT INTO untold_events (id, body) VALUES (?, ?)', id, body);
  }

  removeUntil(id: number): void {
    this.#sql.exec('DELETE FROM untold_events WHERE id <= ?', id);
  }

  silences(): [string, number][] {
    return this.#sql
      .exec<{ node: string; since: number }>('SELECT node, since FROM silences')
      .toArray()
      .map(({ node, since }) => [node, since]);
  }

  addSilence(node: string, since: number): void {
    this.#sql.exec('INSERT OR REPLACE INTO silences (node, since) VALUES (?, ?)', node, since);
  }

  removeSilence(node: string): void {
    this.#sql.exec('DELETE FROM silences WHERE node = ?', node);
  }

  watches(): [string, number][] {
    return this.#sql
      .exec<{ topic: string; until: number }>('SELECT topic, until FROM watches')
      .toArray()
      .map(({ topic, until }) => [topic, until]);
  }

  watch(topic: string, until: number): void {
    this.#sql.exec('INSERT OR REPLACE INTO watches (topic, until) VALUES (?, ?)', topic, until);
  }

  unwatch(topic: string): void {
    this.#sql.exec('DELETE FROM watches WHERE topic = ?', topic);
  }
}
