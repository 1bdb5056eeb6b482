// Owns which headers cross the gateway, in both directions. Pure: lists as they came, names and values alternating.

/** RFC 9110, 7.6.1: they speak of one connection, and there are two. `expect` was answered by us. */
const HOP_BY_HOP = new Set([
  'connection',
  'expect',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/**
 * The client's credentials are for the gateway, and a cookie or an origin is a browser's; a runtime, which may be
 * elsewhere, gets its own. The length is set anew by whoever writes the body.
 */
const NOT_FOR_RUNTIMES = new Set([
  'host',
  'authorization',
  'x-api-key',
  'cookie',
  'origin',
  'referer',
  'content-length',
]);

/** What goes on to a runtime, `own` (its API key) included. */
export function requestHeaders(
  raw: readonly string[],
  own: Readonly<Record<string, string>>,
): Record<string, string | string[]> {
  const dropped = named(raw);
  const passed: Record<string, string | string[]> = {};
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const key = (raw[at] ?? '').toLowerCase();
    const value = raw[at + 1] ?? '';
    if (HOP_BY_HOP.has(key) || NOT_FOR_RUNTIMES.has(key) || dropped?.has(key) === true) continue;
    const earlier = passed[key];
    passed[key] = earlier === undefined ? value : [earlier, value].flat();
  }
  return { ...passed, ...own };
}

/**
 * What goes back to the client, names and values alternating. A runtime that lets every web page read it
 * (llama-server's CORS) does so on its own address, not on this one.
 */
export function responseHeaders(raw: readonly string[]): string[] {
  const dropped = named(raw);
  const passed: string[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = raw[at] ?? '';
    const key = name.toLowerCase();
    if (HOP_BY_HOP.has(key) || dropped?.has(key) === true || key.startsWith('access-control-')) continue;
    passed.push(name, raw[at + 1] ?? '');
  }
  return passed;
}

/** The first of that name, which is given in small letters; undefined where there is none. */
export function headerOf(raw: readonly string[], name: string): string | undefined {
  for (let at = 0; at + 1 < raw.length; at += 2) {
    if ((raw[at] ?? '').toLowerCase() === name) return raw[at + 1];
  }
  return undefined;
}

/** The headers that `Connection` says are of this connection only; undefined where it names none. */
function named(raw: readonly string[]): Set<string> | undefined {
  let names: Set<string> | undefined;
  for (let at = 0; at + 1 < raw.length; at += 2) {
    if ((raw[at] ?? '').toLowerCase() !== 'connection') continue;
    names ??= new Set();
    for (const part of (raw[at + 1] ?? '').split(',')) names.add(part.trim().toLowerCase());
  }
  names?.delete('content-length');
  return names;
}
