// An endpoint elsewhere, as far as nobody is asked: its manifest, what leaves this host and where to, and its words.

import { expect, describe, test } from 'vitest';
import { RuntimeRecordSchema } from '../../contract/runtime-record.ts';
import * as v from 'valibot';
import { makeRemote } from '../../reporter/backends/registry.ts';
import type { Remote } from '../../reporter/backends/remote.ts';
import type { RuntimeEntry } from '../../reporter/manifest-schema.ts';
import { parseManifest } from '../../reporter/manifest.ts';
import { RemoteWatch } from '../../reporter/supervisor/remote-watch.ts';
import { describeRemote } from '../../reporter/supervisor/remote-words.ts';
import { RecordedLog } from '../support/recorded-log.ts';

const KEY = 'sk-secret-0123456789';
const ENV = { OPENAI_API_KEY: KEY };

function remote(
  settings: Partial<NonNullable<RuntimeEntry['remote']>> = {},
  env: Record<string, string> = ENV,
): Remote {
  const url = 'https://api.example/v1';
  const entry: RuntimeEntry = {
    id: 'cloud',
    adapter: 'remote',
    tags: { team: 'a' },
    process: {},
    remote: { url, opt_in: true, api_key_env: 'OPENAI_API_KEY', ...settings },
  };
  const made = makeRemote(entry, env);
  if (made === undefined) throw new Error('an entry of adapter "remote" makes one');
  return made;
}

function watchOf(made: Remote): RemoteWatch {
  return new RemoteWatch({ remote: made, log: new RecordedLog(), onMaterialChange: () => undefined });
}

describe('where it is', () => {
  test.each([
    ['https://api.example', 'https://api.example', 'api.example:443'],
    ['https://api.example/v1', 'https://api.example', 'api.example:443'],
    ['https://api.example/v1/', 'https://api.example', 'api.example:443'],
    ['https://gate.example/api/v1', 'https://gate.example/api', 'gate.example:443'],
    ['http://10.0.0.7:8000/', 'http://10.0.0.7:8000', '10.0.0.7:8000'],
    ['http://[fd00::7]/v1', 'http://[fd00::7]', '[fd00::7]:80'],
  ])('%s', (url, origin, egress) => {
    const made = remote({ url });
    expect(made.endpoint?.origin).toBe(origin);
    expect(made.egress).toBe(egress);
    expect(made.descriptor.tags).toEqual({ team: 'a', egress });
  });
});

describe('the record', () => {
  test('without opt_in it is off, says how to change that, and nothing may be sent there', () => {
    const watch = watchOf(remote({ opt_in: false }));
    expect(watch.endpoint()).toBeUndefined();
    expect(watch.record().status).toMatchObject({
      state: 'offline',
      severity: 'info',
      summary: 'Off: set opt_in = true in its [runtimes.remote] to let requests leave for api.example:443',
      detail: [],
    });
  });
  test('a key that is not set is told by its name', () => {
    for (const env of [{}, { OPENAI_API_KEY: ' ' }]) {
      const watch = watchOf(remote({}, env));
      expect(watch.endpoint()).toBeUndefined();
      expect(watch.record().status).toMatchObject({
        state: 'error',
        summary: "Key missing: set OPENAI_API_KEY in the reporter's environment and start it again",
      });
    }
  });
  test('names where requests go and never the key, and is one of the wire', () => {
    const watch = watchOf(remote());
    const record = watch.record();
    expect(v.parse(RuntimeRecordSchema, record)).toEqual(record);
    expect(record.status.detail).toEqual(['Requests leave this host for api.example:443']);
    expect(record.status).not.toHaveProperty('restart_budget');
    expect(record.descriptor).not.toHaveProperty('sandbox');
    expect(JSON.stringify(record)).not.toContain(KEY);
    expect(watch.endpoint()).toEqual({
      origin: 'https://api.example',
      headers: { authorization: `Bearer ${KEY}` },
    });
  });
  test('says that it is not encrypted, and what goes with it', () => {
    const plain = { url: 'http://10.0.0.7:8000' };
    expect(watchOf(remote(plain)).record().status.detail).toEqual([
      'Requests leave this host for 10.0.0.7:8000, unencrypted, the key with them',
    ]);
    const { api_key_env: _key, ...keyless } = { ...plain, api_key_env: undefined };
    const entry: RuntimeEntry = {
      id: 'c',
      adapter: 'remote',
      process: {},
      remote: { ...keyless, opt_in: true },
    };
    const made = makeRemote(entry, {});
    expect(made && watchOf(made).record().status.detail).toEqual([
      'Requests leave this host for 10.0.0.7:8000, unencrypted',
    ]);
  });
  test('of a provider with hundreds of models: so many are told, and how to choose', () => {
    const models = [{ id: 'm', state: 'loaded' as const }];
    const status = describeRemote(remote(), { kind: 'answers', latencyMs: 12.34, models, listed: 400 }, 0);
    expect(status).toMatchObject({
      state: 'ready',
      detail: [
        '1 of 400 models are told; name those that matter in remote.models',
        'Requests leave this host for api.example:443',
      ],
      health: { latency_ms: 12.3 },
    });
  });
});

test.each(['start', 'restore', 'shutdown'] as const)('%s is refused with a reason', async (kind) => {
  expect(await watchOf(remote()).carryOut('1', { kind, args: {} })).toEqual({
    ok: false,
    error: {
      reason: 'not-supervised',
      message: `cloud runs elsewhere: it is watched, and cannot be told to ${kind} from here`,
    },
  });
});

describe('the manifest', () => {
  const AT = 'm.toml: runtimes[0] (cloud)';
  test('is read', () => {
    const table = `url = "https://api.example/v1"
opt_in = true
api_key_env = "OPENAI_API_KEY"
models = ["small"]
check_every_seconds = 60
timeout_ms = 5000`;
    expect(manifest(table).runtimes[0]).toMatchObject({
      adapter: 'remote',
      process: {},
      remote: { opt_in: true, models: ['small'], check_every_seconds: 60 },
    });
  });
  test.each([
    ['', `${AT}.remote.url: is required`],
    ['url = "https://user:pw@api.example"', `${AT}.remote.url: must hold no key or password`],
    ['url = "https://api.example/v1?key=x"', `${AT}.remote.url: must hold no key or password`],
    ['url = "https://h/"\napi_key = "x"', `${AT}.remote.api_key: is not a known key`],
    [
      'url = "https://h/"\napi_key_env = "sk-123"',
      `${AT}.remote.api_key_env: must be the name of an environment`,
    ],
    [
      'url = "https://h/"\ncheck_every_seconds = 1',
      `${AT}.remote.check_every_seconds: must be a whole number from 5`,
    ],
    [
      'url = "https://h/"\n[runtimes.process]\ncommand = "x"',
      `${AT}.process: a remote endpoint has no process`,
    ],
    ['url = "https://h/"\n[runtimes.restart]\nmax = 1', `${AT}.restart: a remote endpoint has no process`],
  ])('%j is told as a fault', (table, fault) => {
    expect(() => manifest(table)).toThrow(fault);
  });
  test('a remote without its table, and a table without its remote', () => {
    const head = 'version = 1\n[[runtimes]]\nid = "cloud"';
    expect(() => parseManifest(`${head}\nadapter = "remote"`, 'm.toml')).toThrow(`${AT}.remote: is required`);
    const other = `${head}\nadapter = "llama.cpp"\n[runtimes.process]\n[runtimes.remote]\nurl = "https://h/"`;
    expect(() => parseManifest(other, 'm.toml')).toThrow(`${AT}.remote: is for adapter "remote" only`);
  });
});

function manifest(table: string): ReturnType<typeof parseManifest> {
  return parseManifest(
    `version = 1\n[[runtimes]]\nid = "cloud"\nadapter = "remote"\n[runtimes.remote]\n${table}`,
    'm.toml',
  );
}
