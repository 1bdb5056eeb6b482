// Owns how a hub at home has the dashboard: as a module beside the worker's, since workerd serves no files of its own
// without switching on what is experimental in it.

import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
};

/** @param folder the dashboard as Vite built it. @param worker the name of the worker's module beside this one. */
export async function homeModule(folder: string, worker: string): Promise<string> {
  const files: Record<string, { type: string; etag: string; text: string }> = {};
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const type = TYPES[extname(entry.name)];
    if (type === undefined) throw new Error(`${path}: no media type is known for it`);
    const text = await readFile(path, 'utf8');
    const etag = `"${createHash('sha256').update(text).digest('base64url').slice(0, 22)}"`;
    files[path.slice(folder.length).replaceAll('\\', '/')] = { type, etag, text };
  }
  return `// The hub at home: the worker, and the files of the dashboard as its binding ASSETS.
import worker from './${worker}';
export * from './${worker}';

const FILES = ${JSON.stringify(files)};

const ASSETS = {
  async fetch(request) {
    const path = new URL(request.url).pathname;
    if (!Object.hasOwn(FILES, path)) return new Response(null, { status: 404 });
    const { type, etag, text } = FILES[path];
    const headers = { 'content-type': type, etag };
    if (request.headers.get('if-none-match') === etag) return new Response(null, { status: 304, headers });
    return new Response(text, { headers });
  },
};

let own;
export default {
  fetch: (request, env, context) => worker.fetch(request, (own ??= { ...env, ASSETS }), context),
};
`;
}
