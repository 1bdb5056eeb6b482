// Owns how a test takes the database of an object back to an earlier version, as an older hub left it: its tables as they
// were then, with what their columns hold now.

import { DatabaseSync } from 'node:sqlite';
import * as v from 'valibot';
import type { Hub } from './hub.ts';

type ObjectName = { class: 'NodeShard' | 'Fleet'; name: string };

const Texts = v.pipe(v.array(v.string()), v.minLength(1));

/** What uses the platform's types cannot be imported by name: Node's type check has none of them. */
export async function storeModule(file: string): Promise<object> {
  const { href } = new URL(`../../worker/objects/store/${file}`, import.meta.url);
  return v.parse(v.looseObject({}), { ...(await import(href)) });
}

const { SHARD_MIGRATIONS } = v.parse(
  v.object({ SHARD_MIGRATIONS: Texts }),
  await storeModule('shard-store.ts'),
);
const { FLEET_MIGRATIONS } = v.parse(
  v.object({ FLEET_MIGRATIONS: Texts }),
  await storeModule('fleet-store.ts'),
);

export const MIGRATIONS = { NodeShard: SHARD_MIGRATIONS, Fleet: FLEET_MIGRATIONS };

type Part = { type: string; name: string; sql: string; columns: string[] };

/** Tables and indexes as the first so many migrations made them, tables first. */
function partsAt(object: ObjectName, version: number): Part[] {
  const database = new DatabaseSync(':memory:');
  for (const migration of MIGRATIONS[object.class].slice(0, version)) database.exec(migration);
  const parts = database
    .prepare('SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY type DESC')
    .all();
  const made = parts.map((part) => {
    const name = String(part['name']);
    const columns = database.prepare('SELECT name FROM pragma_table_info(?)').all(name);
    return {
      type: String(part['type']),
      name,
      sql: String(part['sql']),
      columns: columns.map((column) => String(column['name'])),
    };
  });
  database.close();
  return made;
}

/** To be followed by an eviction or a deploy: what is in memory knows the schema of today. */
export async function toSchema(hub: Hub, object: ObjectName, version: number): Promise<void> {
  const parts = partsAt(object, version);
  const tables = parts.filter(({ type }) => type === 'table');
  const kept: [string, Record<string, unknown>[]][] = [];
  for (const { name, columns } of tables) {
    kept.push([name, await hub.sql(object, `SELECT ${columns.join(', ')} FROM ${name}`)]);
  }
  const present = await hub.sql(object, "SELECT name FROM sqlite_master WHERE type = 'table'");
  for (const name of present.map((row) => String(row['name']))) {
    if (!/^(_cf_|sqlite_)/.test(name)) await hub.sql(object, `DROP TABLE ${name}`);
  }
  for (const { sql } of parts) await hub.sql(object, sql);
  for (const [table, rows] of kept) {
    for (const row of rows) {
      const marks = Object.keys(row).map(() => '?');
      const insert = `INSERT INTO ${table} (${Object.keys(row).join(', ')}) VALUES (${marks.join(', ')})`;
      await hub.sql(object, insert, ...Object.values(row));
    }
  }
  await hub.sql(object, 'CREATE TABLE schema_version (version INTEGER NOT NULL)');
  for (let at = 1; at <= version; at += 1) {
    await hub.sql(object, 'INSERT INTO schema_version (version) VALUES (?)', at);
  }
}
