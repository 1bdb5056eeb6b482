// Owns reading the manifest: TOML text -> validated entries, or one sentence naming file, key and reason.

import { readFile } from 'node:fs/promises';
import { parse, TomlError } from 'smol-toml';
import * as v from 'valibot';
import { flagValue, presetSpec } from './backends/launch-spec.ts';
import { DEFAULT_PORT } from './backends/llama-cpp.ts';
import { ManifestSchema, type Manifest, type RuntimeEntry } from './manifest-schema.ts';
import { codeOf } from './errors.ts';

/** The manifest cannot be used; `message` is for the operator and names file, key and reason. */
export class ManifestError extends Error {
  override readonly name = 'ManifestError';
}

/** @throws ManifestError when the file is missing, is not TOML, or breaks a rule. */
export async function loadManifest(path: string): Promise<Manifest> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    const code = codeOf(error);
    const reason = code === 'ENOENT' ? 'there is no such file' : `it cannot be read (${code})`;
    throw new ManifestError(`${path}: ${reason}; name another one with --manifest FILE`, { cause: error });
  }
  return parseManifest(text, path);
}

/** @throws ManifestError */
export function parseManifest(text: string, path: string): Manifest {
  // One fault a value: a port that is no number is not out of range as well.
  const result = v.safeParse(ManifestSchema, parseToml(text, path), { abortPipeEarly: true });
  if (!result.success) throw new ManifestError(`${path}: ${explain(result.issues)}`);
  const faults = result.output.runtimes.flatMap((entry, index) => faultsAmong(entry, index, result.output));
  if (faults[0] !== undefined) throw new ManifestError(`${path}: ${withCount(faults[0], faults.length)}`);
  return result.output;
}

function parseToml(text: string, path: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const reason = error.message.split('\n')[0]?.replace(/^Invalid TOML document: /, '') ?? 'invalid TOML';
    throw new ManifestError(`${path}:${error.line}:${error.column}: not valid TOML: ${reason}`, {
      cause: error,
    });
  }
}

/** Rules that span several keys. */
function faultsAmong(entry: RuntimeEntry, index: number, manifest: Manifest): string[] {
  const at = `runtimes[${index}] (${entry.id})`;
  const faults: string[] = [];
  const first = manifest.runtimes.findIndex((other) => other.id === entry.id);
  if (first !== index)
    faults.push(`${at}.id: "${entry.id}" is used by runtimes[${first}] already; ids are unique`);
  if (entry.preset !== undefined && entry.presets?.[entry.preset] === undefined) {
    faults.push(`${at}.preset: there is no table [runtimes.presets.${entry.preset}]`);
  }
  const { kind, image } = entry.sandbox ?? {};
  if (kind === 'container' && image === undefined) {
    faults.push(
      `${at}.sandbox.image: is required for sandbox "container"; name the image that brings the server`,
    );
  }
  const address = addressAtStart(entry);
  const sharing = manifest.runtimes.findIndex((other) => addressAtStart(other) === address);
  if (address !== undefined && sharing !== index && first === index) {
    const other = `runtimes[${sharing}] (${manifest.runtimes[sharing]?.id})`;
    faults.push(`${at}.process.args: ${address} is taken by ${other}; give one another --port`);
  }
  if (entry.adapter === 'llama.cpp') {
    const { process, presets = {} } = entry;
    faults.push(...addressFaults(`${at}.process.args`, process.args ?? []));
    for (const [name, { args = [] }] of Object.entries(presets)) {
      faults.push(...addressFaults(`${at}.presets.${name}.args`, args));
    }
  }
  if (entry.adapter === 'process') {
    if (entry.process.command === undefined)
      faults.push(`${at}.process.command: is required for adapter "process"`);
    if (entry.process.health === undefined)
      faults.push(`${at}.process.health: is required for adapter "process"`);
  }
  return faults;
}

/**
 * Where a llama-server that starts with the reporter will listen. Two cannot start there together: one would fail, and
 * until then the answers of the other would pass for its own.
 */
function addressAtStart(entry: RuntimeEntry): string | undefined {
  if (entry.adapter !== 'llama.cpp' || entry.auto_start === false) return undefined;
  const { args } = presetSpec(entry, '', undefined);
  return `${flagValue(args, ['--host']) ?? '127.0.0.1'}:${flagValue(args, ['--port']) ?? DEFAULT_PORT}`;
}

/** The server is asked under the address that its arguments name, so they must name one. */
function addressFaults(key: string, args: readonly string[]): string[] {
  const faults: string[] = [];
  const port = flagValue(args, ['--port']);
  if (port !== undefined && !(/^\d{1,5}$/.test(port) && Number(port) >= 1 && Number(port) <= 65_535)) {
    faults.push(`${key}: --port "${port}" must be a whole number from 1 to 65535`);
  }
  const host = flagValue(args, ['--host']);
  if (host !== undefined && !URL.canParse(`http://${host}`) && !URL.canParse(`http://[${host}]`)) {
    faults.push(`${key}: --host "${host}" is neither a host name nor an address`);
  }
  return faults;
}

type Issues = readonly [v.BaseIssue<unknown>, ...v.BaseIssue<unknown>[]];

function explain(issues: Issues): string {
  // A misspelt key is also a missing one: the spelling is what is to be mended.
  const issue = issues.find((candidate) => candidate.expected === 'never') ?? issues[0];
  return withCount(`${pathOf(issue)}: ${reasonOf(issue)}`, issues.length);
}

function withCount(sentence: string, count: number): string {
  return count > 1 ? `${sentence} (and ${count - 1} more)` : sentence;
}

/** `runtimes[0] (llama.70b).process.args[2]`, so that a runtime is found by its name too. */
function pathOf(issue: v.BaseIssue<unknown>): string {
  let text = '';
  for (const item of issue.path ?? []) {
    if (typeof item.key === 'number') {
      text += `[${item.key}]`;
      const value: unknown = item.value;
      const id = typeof value === 'object' && value !== null && 'id' in value ? value.id : undefined;
      if (typeof id === 'string') text += ` (${id})`;
    } else {
      text += `${text === '' ? '' : '.'}${String(item.key)}`;
    }
  }
  return text === '' ? 'the file' : text;
}

function reasonOf(issue: v.BaseIssue<unknown>): string {
  if (issue.type === 'strict_object') {
    // `expected: never` marks a key that the table does not know; anything else is a key that it misses.
    if (issue.expected === 'never')
      return 'is not a known key; check its spelling against the manifest reference';
    return issue.received === 'undefined' ? 'is required' : 'must be a table';
  }
  return issue.received === 'undefined' ? 'is required' : issue.message;
}
