// Owns a database as an object has it, for parts of an object that are tested without the platform: SQLite in memory,
// which outlives the part as it outlives an eviction.

import { DatabaseSync } from 'node:sqlite';
import * as v from 'valibot';

const CellSchema = v.union([v.string(), v.number(), v.null()]);
const RowsSchema = v.array(v.record(v.string(), CellSchema));
type Cell = v.InferOutput<typeof CellSchema>;
type Row = Record<string, Cell>;
type Cursor = { toArray(): Row[]; one(): Row };
type Migrate = (storage: object, migrations: readonly string[]) => void;

export class ObjectStorage {
  readonly #database = new DatabaseSync(':memory:');
  readonly sql = {
    exec: (query: string, ...values: Cell[]): Cursor => {
      const isScript = values.length === 0 && !/^\s*(select|insert .* returning)/is.test(query);
      if (isScript) this.#database.exec(query);
      const rows: unknown = isScript ? [] : this.#database.prepare(query).all(...values);
      const found = v.parse(RowsSchema, rows);
      return {
        toArray: () => found,
        one: () => {
          const [only] = found;
          if (only === undefined) throw new Error(`no row: ${query}`);
          return only;
        },
      };
    },
  };

  transactionSync(work: () => void): void {
    this.#database.exec('BEGIN');
    work();
    this.#database.exec('COMMIT');
  }

  /** With the tables of Fleet, as its migrations make them. */
  static async ofFleet(): Promise<ObjectStorage> {
    const { FLEET_MIGRATIONS } = v.parse(
      v.object({ FLEET_MIGRATIONS: v.array(v.string()) }),
      await workerModule('objects/store/fleet-store.ts'),
    );
    const { migrate } = v.parse(
      v.object({ migrate: v.custom<Migrate>((value) => typeof value === 'function') }),
      await workerModule('objects/store/migrate.ts'),
    );
    const storage = new ObjectStorage();
    migrate(storage, FLEET_MIGRATIONS);
    return storage;
  }
}

/** What uses the platform's types cannot be imported by name: Node's type check has none of them. */
export async function workerModule(path: string): Promise<object> {
  const { href } = new URL(`../../worker/${path}`, import.meta.url);
  return v.parse(v.looseObject({}), { ...(await import(href)) });
}
