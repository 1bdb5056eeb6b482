// Owns what of a text must not leave the host: the secrets that this reporter knows, and whatever has the form of one.
// Pure. The patterns are our own: published scanners look for leaks in source trees (slow, large, and none knows how
// llama-server spells a key), and loggers' redactors know paths of objects, not lines of text.

const MARK = '[redacted]';

/** A shorter value stands in ordinary words too: it is hidden where a name gives it away, not wherever it occurs. */
const KNOWN_MIN_LENGTH = 4;

/** Takes the secrets out of one line. */
export type Redact = {
  (line: string): string;
  /** For a line whose end is not written yet: what may be the beginning of a known secret is taken out too. */
  unfinished(line: string): string;
};

/** A value to the end of its quotes, or of the line where they do not end; else to the next space. */
const VALUE = `(?:"[^"]*"?|'[^']*'?|\`[^\`]*\`?|[^\\s"'\`]\\S*)`;
/** What stands between a name, which may be quoted itself, and its value. */
const ASSIGNED = `["'\`]?\\s*[:=]\\s*`;

/** Each keeps its first group, which tells a reader what was there. */
const NAMED: readonly RegExp[] = [
  // --api-key VALUE, --hf-token=VALUE, and as a list of words: "--api-key", "VALUE". Not --api-key-file, --max-tokens.
  new RegExp(
    `((?<![A-Za-z0-9_-])--?(?:[a-z0-9]+[-_])*(?:api[-_]?key|token|secret|password|passwd|hft)["'\`]?(?:\\s*[=:,]\\s*|\\s+))${VALUE}`,
    'gi',
  ),
  // Authorization: Bearer VALUE, as a header or as a member of JSON; then a bearer without its header.
  new RegExp(`(authorization${ASSIGNED})(?:(?:bearer|basic|token|digest)\\s+)?${VALUE}`, 'gi'),
  /(\bbearer\s+)[A-Za-z0-9._~+/=-]{6,}/gi,
  // X-API-Key: VALUE, "apiKey": "VALUE". A number of keys ("api_keys: 3 keys loaded") is no key.
  new RegExp(
    `((?:api[-_ ]?keys?|x-arw-admin|x-auth-token|\\bcookie)${ASSIGNED})(?!\\d{1,3}\\b)${VALUE}`,
    'gi',
  ),
  // NAME_TOKEN=VALUE as an environment spells it.
  new RegExp(`(\\b[A-Z][A-Z0-9_]*_(?:TOKEN|KEY|SECRET|PASSWORD|PASSWD|PASS|PWD|CREDENTIALS?)=)${VALUE}`, 'g'),
  // access_token: VALUE, password=VALUE. A bare "token" is what engines of language models write on every line.
  new RegExp(
    `((?:(?:access|auth|refresh|hf|api|session|join|node)[-_]?token|password|passwd|passphrase|secret)${ASSIGNED})${VALUE}`,
    'gi',
  ),
  // ?token=VALUE&… of a URL.
  /([?&](?:[a-z]+[-_])*(?:key|token|secret|signature|sig|password)=)[^&\s"'#]+/gi,
];

const SHAPED: readonly RegExp[] = [
  // Our own node tokens, `arwn_<node>.<secret>`.
  /\barwn_[A-Za-z0-9._-]{8,}/g,
  /\bhf_[A-Za-z0-9]{8,}/g,
  /\b(?:sk|pk|rk)-[A-Za-z0-9_-]{8,}/g,
  /\b(?:gsk|r8|npm|glpat|nvapi|dckr_pat)[-_][A-Za-z0-9_-]{16,}/g,
  /\bgh[pousr]_[A-Za-z0-9]{16,}/g,
  /\bgithub_pat_[A-Za-z0-9_]{16,}/g,
  /\bxox[abeoprs]-[A-Za-z0-9-]{10,}/g,
  /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g,
  /\bAIza[A-Za-z0-9_-]{30,}/g,
  /\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*)?/g,
  /-----BEGIN [A-Z ]*PRIVATE KEY-----.*/g,
  // The end of a key, as llama-server and others show it: ****3456.
  /\*{3,}[A-Za-z0-9_-]{1,16}/g,
];

/** The last `@` before the path ends the userinfo: a password may hold one itself. */
const USERINFO = /\b([a-z][a-z0-9+.-]{1,20}:\/\/)[^\s/"'<>]+@/gi;

/** @param known values that are secret wherever they stand, as `secretsOf` finds them. */
export function redactor(known: Iterable<string>): Redact {
  const secrets = [...new Set(known)].filter((secret) => secret.length >= KNOWN_MIN_LENGTH);
  // Of two secrets the longer one first: else the rest of it would stay.
  const alternatives = secrets.toSorted((a, b) => b.length - a.length).map((secret) => escaped(secret));
  const literal = alternatives.length === 0 ? undefined : new RegExp(alternatives.join('|'), 'g');
  const redact = (line: string): string => {
    let text = literal === undefined ? line : line.replace(literal, MARK);
    text = text.replace(USERINFO, `$1${MARK}@`);
    for (const pattern of SHAPED) text = text.replace(pattern, MARK);
    for (const pattern of NAMED) text = text.replace(pattern, `$1${MARK}`);
    return text;
  };
  return Object.assign(redact, {
    unfinished: (line: string) => redact(withoutBeginning(line, secrets)),
  });
}

/** The line without an end that is the beginning of a secret. */
function withoutBeginning(line: string, secrets: readonly string[]): string {
  let cut = line.length;
  for (const secret of secrets) {
    for (let length = Math.min(secret.length - 1, line.length); length >= KNOWN_MIN_LENGTH; length -= 1) {
      if (!line.endsWith(secret.slice(0, length))) continue;
      cut = Math.min(cut, line.length - length);
      break;
    }
  }
  return cut === line.length ? line : `${line.slice(0, cut)}${MARK}`;
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&');
}
