// Owns which URLs a hub may be made to call: an admin names them, and still a hub must not become a way into the network
// that it stands in. What a public name resolves to is the platform's to judge: Cloudflare and workerd at home connect to
// public addresses alone.

/** As a URL parser has them: it has spelled an address in the usual way, however it was written. */
export type UrlParts = { protocol: string; username: string; password: string; hostname: string };

/** Names of one's own network, whoever answers for them. */
const LOCAL_NAME = /(^|\.)(localhost|local|localdomain|internal|intranet|lan|home|home\.arpa|corp)$/;

/** Why it may not be called, in words that follow "The url of the receiver"; undefined where it may. */
export function targetFault(url: UrlParts, allowsLocal: boolean): string | undefined {
  const schemes = allowsLocal ? ['https:', 'http:'] : ['https:'];
  if (!schemes.includes(url.protocol)) return 'must begin with https://';
  if (url.username !== '' || url.password !== '') {
    return 'must hold no user name and no password: sign with "secret" instead';
  }
  if (!allowsLocal && isLocal(url.hostname.replace(/\.$/, ''))) {
    return 'must be a public host: the hub calls nothing in its own network';
  }
  return undefined;
}

function isLocal(host: string): boolean {
  if (host.startsWith('[')) return !isPublicV6(host.slice(1, -1));
  const octets = /^(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(host)?.slice(1).map(Number);
  if (octets !== undefined) return !isPublicV4(octets);
  return !host.includes('.') || LOCAL_NAME.test(host);
}

/** Without what the registries keep for private use, this host, links, multicast and documents. */
function isPublicV4([a = 0, b = 0, c = 0]: readonly number[]): boolean {
  if (a === 0 || a === 10 || a === 127 || a >= 224) return false;
  if (a === 100 && b >= 64 && b < 128) return false;
  if (a === 169 && b === 254) return false;
  if (a === 172 && b >= 16 && b < 32) return false;
  if (a === 192 && (b === 168 || (b === 0 && (c === 0 || c === 2)))) return false;
  return !(a === 198 && (b === 18 || b === 19));
}

/** Global unicast alone, and no address that carries another one (6to4, Teredo). */
function isPublicV6(address: string): boolean {
  const [first = '', second = ''] = address.split(':');
  const high = Number.parseInt(first || '0', 16);
  if (high < 0x2000 || high > 0x3fff) return false;
  return high !== 0x2002 && !(high === 0x2001 && Number.parseInt(second || '0', 16) < 0x200);
}
