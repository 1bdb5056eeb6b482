// Owns an OpenAI-compatible endpoint elsewhere: where it is, what it may be told, and one look at it.

import * as v from 'valibot';
import { ModelSchema, type Model, type RuntimeDescriptor } from '../../contract/runtime-record.ts';
import type { RuntimeEntry } from '../manifest-schema.ts';
import type { Endpoint } from './backend.ts';
import { look } from './http-probe.ts';
import { readJson } from './reading.ts';

/** Somebody else's service is not asked like one's own, and may charge or throttle. */
const CHECK_EVERY_SECONDS = 30;
const TIMEOUT_MS = 10_000;
/** A provider may list hundreds; a snapshot crosses the wire every five seconds. */
const MODELS_MAX = 64;

export type Remote = {
  readonly descriptor: RuntimeDescriptor;
  readonly optIn: boolean;
  /** Host name and port that requests leave for; never a key, never a path. */
  readonly egress: string;
  readonly encrypted: boolean;
  readonly checkEveryMs: number;
  readonly timeoutMs: number;
  /** The models that the manifest asks for; undefined: all. */
  readonly wantedModels: readonly string[] | undefined;
  /** Where its key is kept, never the key; undefined where it needs none. */
  readonly keyVariable: string | undefined;
  /** What `/v1/…` is appended to, and the key; undefined where the key is missing. */
  readonly endpoint: Endpoint | undefined;
};

export type Environment = Readonly<Record<string, string | undefined>>;

export function remoteOf(
  entry: RuntimeEntry & { remote: NonNullable<RuntimeEntry['remote']> },
  descriptor: RuntimeDescriptor,
  env: Environment,
): Remote {
  const { url: text, opt_in: optIn = false, api_key_env: keyVariable, ...settings } = entry.remote;
  const url = new URL(text);
  const encrypted = url.protocol === 'https:';
  const egress = `${url.hostname}:${url.port || (encrypted ? 443 : 80)}`;
  // Providers write their address with and without the version; clients append it.
  const origin = `${url.origin}${url.pathname.replace(/\/+$/, '').replace(/\/v1$/, '')}`;
  const key = keyVariable === undefined ? undefined : env[keyVariable]?.trim();
  const isKeyMissing = keyVariable !== undefined && (key === undefined || key === '');
  const headers: Record<string, string> = key === undefined ? {} : { authorization: `Bearer ${key}` };
  return {
    descriptor: { ...descriptor, tags: { ...descriptor.tags, egress } },
    optIn,
    egress,
    encrypted,
    checkEveryMs: (settings.check_every_seconds ?? CHECK_EVERY_SECONDS) * 1000,
    timeoutMs: settings.timeout_ms ?? TIMEOUT_MS,
    wantedModels: settings.models,
    keyVariable,
    endpoint: isKeyMissing ? undefined : { origin, headers },
  };
}

export type RemoteSight =
  | { kind: 'answers'; latencyMs: number; models: Model[]; listed: number }
  | { kind: 'fails'; reason: string };

const ModelsSchema = v.object({ data: v.array(v.object({ id: ModelSchema.entries.id })) });

/** Asks for the list of models: the one request that costs nothing and proves address, key and service. */
export async function lookAtRemote(
  remote: Remote,
  { origin, headers }: Endpoint,
  signal: AbortSignal,
): Promise<RemoteSight> {
  const answer = await look(`${origin}/v1/models`, { timeoutMs: remote.timeoutMs, headers, signal });
  if (answer.kind === 'answer' && (answer.status === 401 || answer.status === 403)) {
    const { keyVariable } = remote;
    const what =
      keyVariable === undefined ? 'it wants a key: set api_key_env' : `the key in ${keyVariable} is refused`;
    return { kind: 'fails', reason: `HTTP ${answer.status}: ${what}` };
  }
  const body = readJson(answer, ModelsSchema);
  if (body.kind === 'unknown' || answer.kind !== 'answer') {
    return { kind: 'fails', reason: body.kind === 'unknown' ? body.reason : 'no answer' };
  }
  const ids = body.value.data.map(({ id }) => id);
  const { wantedModels } = remote;
  const wanted = wantedModels === undefined ? ids : ids.filter((id) => wantedModels.includes(id));
  const models = wanted.slice(0, MODELS_MAX).map((id) => ({ id, state: 'loaded' as const }));
  return { kind: 'answers', latencyMs: answer.latencyMs, models, listed: wanted.length };
}
