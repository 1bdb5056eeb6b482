// Owns reading the manifest: TOML text -> validated entries, or one sentence naming file, key and reason.

import { readFile } from 'node:fs/promises';
import { parse, TomlError } from 'smol-toml';
import * as v from 'valibot';
import { flagValue, presetSpec } from './backends/launch-spec.ts';
import { DEFAULT_PORT, modelsFaults } from './backends/llama-launch.ts';
import { ONNX_DEFAULT_PORT } from './backends/onnx.ts';
import { VLLM_DEFAULT_PORT } from './backends/vllm.ts';
import { WHISPER_DEFAULT_PORT } from './backends/whisper.ts';
import { ManifestSchema, type Manifest, type RuntimeEntry } from './manifest-schema.ts';
import { codeOf } from './errors.ts';

const FAULTS_TOLD = 10;

/** The manifest cannot be used; `message` is for the operator and names file, key and reason, one fault a line. */
export class ManifestError extends Error {
  override readonly name = 'ManifestError';
  readonly faults: readonly string[];

  constructor(path: string, faults: readonly string[], options?: ErrorOptions) {
    super(messageFor(path, faults), options);
    this.faults = faults;
  }
}

function messageFor(path: string, faults: readonly string[]): string {
  if (faults.length <= 1) return `${path}: ${faults[0]}`;
  const more = faults.length - FAULTS_TOLD;
  const told = [...faults.slice(0, FAULTS_TOLD), ...(more > 0 ? [`and ${more} more`] : [])];
  return [`${path}: ${faults.length} faults`, ...told].join('\n  ');
}

/** @throws ManifestError when the file is missing, is not TOML, or breaks a rule. */
export async function loadManifest(path: string): Promise<Manifest> {
  return parseManifest(await readManifestText(path), path);
}

/** @throws ManifestError when the file cannot be read. */
export async function readManifestText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const code = codeOf(error);
    const reason = code === 'ENOENT' ? 'there is no such file' : `it cannot be read (${code})`;
    throw new ManifestError(path, [`${reason}; name another one with --manifest FILE`], { cause: error });
  }
}

/** @throws ManifestError */
export function parseManifest(text: string, path: string): Manifest {
  // One fault a value: a port that is no number is not out of range as well.
  const result = v.safeParse(ManifestSchema, parseToml(text, path), { abortPipeEarly: true });
  if (!result.success) throw new ManifestError(path, explain(result.issues));
  const faults = result.output.runtimes.flatMap((entry, index) => faultsAmong(entry, index, result.output));
  if (faults.length > 0) throw new ManifestError(path, faults);
  return result.output;
}

function parseToml(text: string, path: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const reason = error.message.split('\n')[0]?.replace(/^Invalid TOML document: /, '') ?? 'invalid TOML';
    throw new ManifestError(
      `${path}:${error.line}:${error.column}`,
      [`not valid TOML: ${reason} (line ${error.line})`],
      {
        cause: error,
      },
    );
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
  if (DEFAULT_PORTS[entry.adapter] !== undefined) {
    const { process, presets = {} } = entry;
    faults.push(...addressFaults(`${at}.process.args`, process.args ?? []));
    if (entry.adapter === 'llama.cpp') faults.push(...modelsFaults(`${at}.process.args`, process));
    for (const [name, { args = [] }] of Object.entries(presets)) {
      faults.push(...addressFaults(`${at}.presets.${name}.args`, args));
    }
  }
  if (entry.adapter !== 'llama.cpp' && entry.process.idle_probe_seconds !== undefined) {
    faults.push(`${at}.process.idle_probe_seconds: is for adapter "llama.cpp" alone; leave it out`);
  }
  if (
    entry.adapter === 'vllm' &&
    entry.process.command === undefined &&
    entry.process.args?.[0] !== 'serve'
  ) {
    faults.push(
      `${at}.process.args: must begin with "serve" and the model, as in ["serve", "Qwen/Qwen3-8B"]`,
    );
  }
  if (entry.adapter === 'remote') {
    const meant = ['process', 'sandbox', 'restart', 'presets', 'preset', 'auto_start'] as const;
    for (const key of meant) {
      const said = entry[key];
      const isSaid = typeof said === 'object' ? Object.keys(said).length > 0 : said !== undefined;
      if (isSaid) faults.push(`${at}.${key}: a remote endpoint has no process to supervise; remove it`);
    }
  } else if (entry.remote !== undefined) {
    faults.push(`${at}.remote: is for adapter "remote" only; remove it or change the adapter`);
  }
  if (
    entry.adapter === 'onnx' &&
    flagValue(presetSpec(entry, '', undefined).args, ['--model']) === undefined
  ) {
    faults.push(`${at}.process.args: must name the model, as in ["--model", "/models/x.onnx"]`);
  }
  if (entry.adapter === 'process') {
    if (entry.process.command === undefined)
      faults.push(`${at}.process.command: is required for adapter "process"`);
    if (entry.process.health === undefined)
      faults.push(`${at}.process.health: is required for adapter "process"`);
  }
  return faults;
}

/** Of the servers that are told where to listen by `--host` and `--port`. */
const DEFAULT_PORTS: Partial<Record<RuntimeEntry['adapter'], string>> = {
  'llama.cpp': DEFAULT_PORT,
  vllm: VLLM_DEFAULT_PORT,
  'whisper.cpp': WHISPER_DEFAULT_PORT,
  onnx: ONNX_DEFAULT_PORT,
};

/**
 * Where a server that starts with the reporter will listen. Two cannot start there together: one would fail, and
 * until then the answers of the other would pass for its own.
 */
function addressAtStart(entry: RuntimeEntry): string | undefined {
  const defaultPort = DEFAULT_PORTS[entry.adapter];
  if (defaultPort === undefined || entry.auto_start === false) return undefined;
  const { args } = presetSpec(entry, '', undefined);
  return `${flagValue(args, ['--host']) ?? '127.0.0.1'}:${flagValue(args, ['--port']) ?? defaultPort}`;
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

function explain(issues: Issues): string[] {
  // A misspelt key is also a missing one: the spelling is what is to be mended, so it comes first.
  const misspelt = issues.filter(({ expected }) => expected === 'never');
  const others = issues.filter(({ expected }) => expected !== 'never');
  return [...misspelt, ...others].map((issue) => `${pathOf(issue)}: ${reasonOf(issue)}`);
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
