// Owns how a test takes the database of an object back to its first version, as an older hub left it: what later
// migrations added goes, so that they run again.

import type { Hub } from './hub.ts';

/** The tables of the first versions, and their columns. */
const FIRST: Record<'NodeShard' | 'Fleet', Record<string, string>> = {
  NodeShard: {
    snapshots: 'node received_at transport body',
    commands:
      'node id runtime kind args state attempts unanswered issued_at expires_at sent_at delivered_at received_at ' +
      'finished_at result error idempotency_key signature',
  },
  Fleet: {
    nodes: 'node command_key created_at removed_at untold',
    node_tokens: 'node hash until',
    join_tokens: 'hash uses_left expires_at',
  },
};

/** To be followed by an eviction or a deploy: what is in memory knows the schema of today. */
export async function toFirstSchema(
  hub: Hub,
  object: { class: 'NodeShard' | 'Fleet'; name: string },
): Promise<void> {
  const first = FIRST[object.class];
  // It had no index but those of keys, which have no SQL of their own.
  const indexes = await hub.sql(
    object,
    "SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL",
  );
  for (const { name } of indexes) await hub.sql(object, `DROP INDEX ${String(name)}`);
  const tables = await hub.sql(object, "SELECT name FROM sqlite_master WHERE type = 'table'");
  for (const name of tables.map((row) => String(row['name']))) {
    const kept = first[name]?.split(' ');
    if (kept !== undefined) {
      const columns = await hub.sql(object, 'SELECT name FROM pragma_table_info(?)', name);
      for (const { name: column } of columns) {
        if (!kept.includes(String(column))) {
          await hub.sql(object, `ALTER TABLE ${name} DROP COLUMN ${String(column)}`);
        }
      }
    } else if (name !== 'schema_version' && !/^(_cf_|sqlite_)/.test(name)) {
      await hub.sql(object, `DROP TABLE ${name}`);
    }
  }
  await hub.sql(object, 'DELETE FROM schema_version WHERE version > 1');
}
