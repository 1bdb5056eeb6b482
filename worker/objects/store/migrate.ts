// Owns how a database gets from the version it has to the one this code knows. Migrations are only ever appended.

/** Runs the migrations that the database has not seen, each with its number in one transaction. */
export function migrate(storage: DurableObjectStorage, migrations: readonly string[]): void {
  const { sql } = storage;
  sql.exec('CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)');
  const [row] = sql
    .exec<{ version: number | null }>('SELECT max(version) AS version FROM schema_version')
    .toArray();
  const seen = row?.version ?? 0;
  migrations.forEach((migration, index) => {
    const version = index + 1;
    if (version <= seen) return;
    storage.transactionSync(() => {
      sql.exec(migration);
      sql.exec('INSERT INTO schema_version (version) VALUES (?)', version);
    });
  });
}
