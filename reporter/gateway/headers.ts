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
  for (const [name, value] of pairs(raw)) {
    const key = name.toLowerCase();
    if (HOP_BY_HOP.has(key) || NOT_FOR_RUNTIMES.has(key) || dropped.has(key)) continue;
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
  return pairs(raw)
    .filter(([name]) => {
      const key = name.toLowerCase();
      return !HOP_BY_HOP.has(key) && !dropped.has(key) && !key.startsWith('access-control-');
    })
    .flat();
}

/** The headers that `Connection` says are of this connection only. */
function named(raw: readonly string[]): Set<string> {
  const names = pairs(raw)
    .filter(([name]) => name.toLowerCase() === 'connection')
    .flatMap(([, value]) => value.split(',').map((part) => part.trim().toLowerCase()));
  return new Set(names.filter((name) => name !== 'content-length'));
}

function pairs(raw: readonly string[]): [string, string][] {
  const found: [string, string][] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) found.push([raw[i] ?? '', raw[i + 1] ?? '']);
  return found;
}
