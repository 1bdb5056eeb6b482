// The configuration of a hub at home: what workerd is told, however odd the token is.

import { expect, test } from 'vitest';
import { workerdConfig } from '../../selfhost/workerd-config.ts';

const SETTINGS = {
  compatibility_date: '2026-11-17',
  durable_objects: { bindings: [{ name: 'NODE_SHARD', class_name: 'NodeShard' }] },
  migrations: [{ tag: 'v1', new_sqlite_classes: ['NodeShard'] }],
};

function config(vars: Record<string, string> = {}, settings: object = SETTINGS): string {
  return workerdConfig({ modules: ['home.js', 'main.js'], settings: JSON.stringify(settings), vars });
}

test('the databases stay where the first release has put them', () => {
  expect(config()).toContain('path = ".wrangler/state/workerd"');
  expect(config()).toContain('uniqueKey = "hub-NodeShard", enableSql = true');
});

test('a token is passed on as it is, whatever stands in it', () => {
  expect(config({ T: 'a"b\\c' })).toContain(String.raw`(name = "T", text = "a\"b\\c")`);
  expect(config({ T: 'é\n' })).toContain(String.raw`text = "\xc3\xa9\x0a"`);
});

test('a migration that nobody has thought about here is refused, and no database is lost', () => {
  const migrations = [...SETTINGS.migrations, { tag: 'v2', deleted_classes: ['NodeShard'] }];
  expect(() => config({}, { ...SETTINGS, migrations })).toThrow('new_sqlite_classes');
});
