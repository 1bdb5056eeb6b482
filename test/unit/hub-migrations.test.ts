// Migrations are append only: what is released never changes, and every version of a database leads to the same tables.

import { createHash } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import * as v from 'valibot';
import { describe, expect, test } from 'vitest';

type Migrate = (storage: object, migrations: readonly string[]) => void;

/** What uses the platform's types cannot be imported by name: Node's type check has none of them. */
async function store(file: string): Promise<object> {
  const { href } = new URL(`../../worker/objects/store/${file}`, import.meta.url);
  return v.parse(v.looseObject({}), { ...(await import(href)) });
}

const Texts = v.pipe(v.array(v.string()), v.minLength(1));
const { SHARD_MIGRATIONS } = v.parse(v.object({ SHARD_MIGRATIONS: Texts }), await store('shard-store.ts'));
const { FLEET_MIGRATIONS } = v.parse(v.object({ FLEET_MIGRATIONS: Texts }), await store('fleet-store.ts'));
const { migrate } = v.parse(
  v.object({ migrate: v.custom<Migrate>((value) => typeof value === 'function') }),
  await store('migrate.ts'),
);

/** A database as an object has it, as far as migrations use it. */
class Storage {
  readonly #database = new DatabaseSync(':memory:');
  readonly sql = {
    exec: (query: string, ...values: (string | number)[]) => {
      if (values.length === 0 && !/^select/i.test(query)) {
        this.#database.exec(query);
        return { toArray: () => [] };
      }
      const rows = this.#database.prepare(query).all(...values);
      return { toArray: () => rows };
    },
  };

  transactionSync(work: () => void): void {
    this.#database.exec('BEGIN');
    try {
      work();
      this.#database.exec('COMMIT');
    } catch (error) {
      this.#database.exec('ROLLBACK');
      throw error;
    }
  }

  /** Every table with its columns: a text of SQL alone would differ where a column was added later. */
  tables(): Record<string, unknown> {
    const names = this.sql.exec("SELECT name FROM sqlite_master WHERE type = 'table'").toArray();
    return Object.fromEntries(
      names.map((row) => {
        const name = String(row['name']);
        const columns = this.sql.exec(
          `SELECT name, type, "notnull", dflt_value, pk FROM pragma_table_info('${name}') ORDER BY name`,
        );
        return [name, columns.toArray().map((column) => ({ ...column }))];
      }),
    );
  }

  version(): unknown {
    return this.sql.exec('SELECT max(version) AS version FROM schema_version').toArray()[0]?.['version'];
  }
}

/** SHA-256 of each released migration, in their order. Add that of a new one with it; never change one that is here. */
const RELEASED = {
  shard: [
    '99165786666a247d9af4a0e24c2bb3f2fd8a28feed5c4d2431ab06c1fa699496',
    '87ee86ebfbbc8eb294f243078acd7f47714caa0e69b4b551ed85ee3914997038',
  ],
  fleet: ['42705e1cfe7f9d9b9fabf25cf6f596a1b28c6ad904e4f354c65526257e72deea'],
};

describe.each([
  ['a shard', SHARD_MIGRATIONS, RELEASED.shard],
  ['the fleet', FLEET_MIGRATIONS, RELEASED.fleet],
])('the migrations of %s', (_object, migrations, released) => {
  test('that are released stay as they were: databases in use have run them', () => {
    const hashes = migrations.map((text) => createHash('sha256').update(text).digest('hex'));
    expect(hashes.slice(0, released.length)).toEqual(released);
  });

  test('lead to the same tables from every version, and run once', () => {
    const fresh = new Storage();
    migrate(fresh, migrations);
    for (let version = 1; version <= migrations.length; version += 1) {
      const old = new Storage();
      migrate(old, migrations.slice(0, version));
      expect(old.version()).toBe(version);
      migrate(old, migrations);
      migrate(old, migrations);
      expect(old.version()).toBe(migrations.length);
      expect(old.tables()).toEqual(fresh.tables());
    }
  });

  test('leave a database as it was where one fails', () => {
    const storage = new Storage();
    migrate(storage, migrations);
    const before = storage.tables();
    expect(() =>
      migrate(storage, [...migrations, 'CREATE TABLE half (a INTEGER); INSERT INTO nowhere VALUES (1)']),
    ).toThrow('nowhere');
    expect(storage.version()).toBe(migrations.length);
    expect(storage.tables()).toEqual(before);
  });
});
