// Owns the configuration of a hub at home, as the text that workerd reads.

import * as v from 'valibot';

/** What `build-worker.ts` takes from wrangler.toml. */
const SettingsSchema = v.pipe(
  v.string(),
  v.parseJson(),
  v.strictObject({
    compatibility_date: v.string(),
    compatibility_flags: v.optional(v.array(v.string()), []),
    durable_objects: v.strictObject({
      bindings: v.array(v.strictObject({ name: v.string(), class_name: v.string() })),
    }),
    // A class that is renamed or deleted keeps or loses its databases: whoever does that decides here what becomes of them.
    migrations: v.array(v.strictObject({ tag: v.string(), new_sqlite_classes: v.array(v.string()) })),
  }),
);

/** Below the data folder. The databases are there since the first release: neither it nor `KEY_PREFIX` may change. */
export const STORAGE_FOLDER = '.wrangler/state/workerd';
const KEY_PREFIX = 'hub-';

/**
 * A full collection of garbage takes more than a millisecond for each MB that it frees, and stops every relayed stream meanwhile.
 * V8 waits for 32 MB at first and for 17 MB later; of a heap that began small it waits for 10 MB more than lives. A hub
 * with much to remember is not touched by it: there V8 waits for a multiple of what lives.
 */
const V8_FLAGS = ['--initial-old-space-size=4'];

export type WorkerdParts = {
  /** Files beside the configuration, the entry first. */
  modules: readonly string[];
  /** The text of worker.json. */
  settings: string;
  vars: Readonly<Record<string, string>>;
};

export function workerdConfig({ modules, settings, vars }: WorkerdParts): string {
  const worker = v.parse(SettingsSchema, settings);
  const classes = worker.migrations.flatMap((migration) => migration.new_sqlite_classes);
  const embedded = modules.map((file) => `(name = ${quoted(file)}, esModule = embed ${quoted(file)})`);
  const bindings = [
    ...Object.entries(vars).map(([name, text]) => `(name = ${quoted(name)}, text = ${quoted(text)})`),
    ...worker.durable_objects.bindings.map(
      ({ name, class_name }) => `(name = ${quoted(name)}, durableObjectNamespace = ${quoted(class_name)})`,
    ),
  ];
  const namespaces = classes.map(
    (name) =>
      `(className = ${quoted(name)}, uniqueKey = ${quoted(`${KEY_PREFIX}${name}`)}, enableSql = true)`,
  );
  return `# Written anew at each start.
using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "hub", worker = .hub),
    (name = "storage", disk = (path = ${quoted(STORAGE_FOLDER)}, writable = true)),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "hub")],
  v8Flags = ${list(V8_FLAGS.map(quoted))},
);

const hub :Workerd.Worker = (
  modules = ${list(embedded)},
  compatibilityDate = ${quoted(worker.compatibility_date)},
  compatibilityFlags = ${list(worker.compatibility_flags.map(quoted))},
  bindings = ${list(bindings)},
  durableObjectNamespaces = ${list(namespaces)},
  durableObjectStorage = (localDisk = "storage"),
);
`;
}

function list(items: readonly string[]): string {
  return `[${items.join(', ')}]`;
}

/** As Cap'n Proto quotes a text: what is no visible character is told by its bytes. */
function quoted(text: string): string {
  const escaped = text
    .replaceAll(/["\\]/g, String.raw`\$&`)
    .replaceAll(/[^\x20-\x7e]/gu, (character) =>
      [...new TextEncoder().encode(character)]
        .map((byte) => String.raw`\x${byte.toString(16).padStart(2, '0')}`)
        .join(''),
    );
  return `"${escaped}"`;
}
