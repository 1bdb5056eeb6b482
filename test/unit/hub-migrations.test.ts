// Migrations are append only: what is released never changes, and every version of a database leads to the same tables.

import { createHash } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { MIGRATIONS, storeModule } from '../support/older-schema.ts';

type Migrate = (storage: object, migrations: readonly string[]) => void;

const { migrate } = v.parse(
  v.object({ migrate: v.custom<Migrate>((value) => typeof value === 'function') }),
  await storeModule('migrate.ts'),
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

/** SHA-256 of each migration, in their order. Add that of a new one with it; never change one that is here. */
const RELEASED = {
  shard: [
    '99165786666a247d9af4a0e24c2bb3f2fd8a28feed5c4d2431ab06c1fa699496',
    '87ee86ebfbbc8eb294f243078acd7f47714caa0e69b4b551ed85ee3914997038',
    'b07ad50a0c9b3d342e6d1462fac6ce89a788df8f810ceaebe9a2105800622f99',
    'b38920e60a483081e62db8054dcffc5edf659def4771867f0040aaa7210ab7f2',
    '15301760c99a5ba349b88546eb326871803afc7f5274bf9e6147ff82b6bd42b0',
    '857a0de125f4af0280d295406f900168d43a88aa617c225f8132b3d71e11f103',
  ],
  fleet: [
    '42705e1cfe7f9d9b9fabf25cf6f596a1b28c6ad904e4f354c65526257e72deea',
    'f5455e95288c9c18ff17c3b8214ba986fa54f7eae13a7164f5348692f6faf67c',
    '29bf99151373b23edb0945b18b31b6d5501b6a58615e0c5f405feb8599747aec',
    '706256dd271ec2951cc295937dfbbdc22ee8949e205fb3e63b7d6dc2870adf83',
    '120cc2350c36f96a1e5380dadceaa839eb49085f951d391d118ad1bbe36825b0',
    '6d1523b678e49a763db02a2a3a8b68988d53416aca422f79145961c9cffb9585',
  ],
};

describe.each([
  ['a shard', MIGRATIONS.NodeShard, RELEASED.shard],
  ['the fleet', MIGRATIONS.Fleet, RELEASED.fleet],
])('the migrations of %s', (_object, migrations, released) => {
  test('that are released stay as they were: databases in use have run them', () => {
    const hashes = migrations.map((text) => createHash('sha256').update(text).digest('hex'));
    expect(hashes).toEqual(released);
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
