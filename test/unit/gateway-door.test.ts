// Who may knock, what crosses, and how the gateway says no.

import { describe, expect, test } from 'vitest';
import * as v from 'valibot';
import { ProblemSchema } from '../../contract/problem.ts';
import { ConfigError } from '../../reporter/config.ts';
import { refusalOf } from '../../reporter/gateway/guard.ts';
import { requestHeaders, responseHeaders } from '../../reporter/gateway/headers.ts';
import { modelsBody } from '../../reporter/gateway/models-body.ts';
import { refusalDocument } from '../../reporter/gateway/refusal.ts';
import { routeOf } from '../../reporter/gateway/routes.ts';
import { gatewaySettings } from '../../reporter/gateway/settings.ts';
import { model, routable } from '../support/routable.ts';

const knock = (host?: string, origin?: string, authorization?: string) => ({ host, origin, authorization });

describe('who may knock', () => {
  test.each([
    '127.0.0.1:8780',
    'localhost:1',
    'LOCALHOST',
    '[::1]:8780',
    'ui.localhost:8780',
    '127.9.9.9',
    undefined,
  ])('Host %s', (host) => {
    expect(refusalOf(knock(host), undefined)).toBeUndefined();
  });
  test.each([
    'evil.example',
    'evil.example:8780',
    '127.0.0.1.evil.example',
    'localhost.evil.example',
    '192.168.1.5',
    '',
    '0.0.0.0:8780',
  ])('not Host "%s": a name that points here', (host) => {
    expect(refusalOf(knock(host), undefined)).toMatchObject({ reason: 'foreign-host' });
  });
  test.each(['https://evil.example', 'null', 'file://', 'http://127.0.0.1.evil.example'])(
    'not Origin %s',
    (origin) => {
      expect(refusalOf(knock('127.0.0.1', origin), undefined)).toMatchObject({ reason: 'forbidden' });
    },
  );
  test('a page of this host may', () => {
    expect(refusalOf(knock('127.0.0.1:8780', 'http://localhost:3000'), undefined)).toBeUndefined();
  });
  test('with an API key, only who sends it', () => {
    for (const sent of [undefined, 'Bearer', 'Bearer other', 'secret']) {
      expect(refusalOf(knock('127.0.0.1', undefined, sent), 'secret')).toMatchObject({
        reason: 'unauthorized',
      });
    }
    expect(refusalOf(knock('127.0.0.1', undefined, 'Bearer secret'), 'secret')).toBeUndefined();
  });
});

describe('headers', () => {
  test('of a request: nothing of the connection, no credentials, and the own ones of the runtime', () => {
    const raw = [
      ['Host', 'localhost:8780', 'Connection', 'keep-alive, X-Private', 'X-Private', '1', 'TE', 'trailers'],
      [
        'Authorization',
        'Bearer client',
        'X-Api-Key',
        'client',
        'Cookie',
        'a=b',
        'Origin',
        'http://localhost',
      ],
      ['Content-Type', 'application/json', 'Content-Length', '2', 'Transfer-Encoding', 'chunked'],
      ['Expect', '100-continue', 'Accept', 'a', 'X-Twice', '1', 'x-twice', '2', 'User-Agent', 'curl'],
    ].flat();
    expect(requestHeaders(raw, { authorization: 'Bearer engine' })).toEqual({
      'content-type': 'application/json',
      accept: 'a',
      'x-twice': ['1', '2'],
      'user-agent': 'curl',
      authorization: 'Bearer engine',
    });
  });
  test('of an answer: in order, as written, without those of the connection', () => {
    const raw = [
      ['Server', 'llama.cpp', 'Access-Control-Allow-Origin', '*', 'X-Accel-Buffering', 'no'],
      ['Transfer-Encoding', 'chunked', 'Keep-Alive', 'timeout=5', 'Set-Cookie', 'a', 'Set-Cookie', 'b'],
    ].flat();
    expect(responseHeaders(raw)).toEqual([
      'Server',
      'llama.cpp',
      'X-Accel-Buffering',
      'no',
      'Set-Cookie',
      'a',
      'Set-Cookie',
      'b',
    ]);
  });
  test('nobody takes the length away by naming it', () => {
    expect(responseHeaders(['Connection', 'content-length', 'Content-Length', '5'])).toEqual([
      'Content-Length',
      '5',
    ]);
  });
});

test('paths: what is not known is never named', () => {
  expect(routeOf('/v1/models')).toMatchObject({ kind: 'models' });
  expect(routeOf('/v1/chat/completions?a=/v1/models')).toMatchObject({
    kind: 'relay',
    name: '/v1/chat/completions',
  });
  for (const target of ['/', '/v1/chat/completions/', '/V1/models', 'http://evil/v1/models', '*', '']) {
    expect(routeOf(target)).toEqual({ kind: 'other', name: 'other' });
  }
});

test('a refusal is a problem document, and OpenAI clients find its sentence', () => {
  const document = refusalDocument({
    reason: 'unknown-model',
    detail: 'Name another one',
    extensions: { closest: ['a'] },
  });
  expect(v.is(ProblemSchema, document)).toBe(true);
  expect(document).toEqual({
    type: 'urn:runtime-matrix:problem:unknown-model',
    title: 'The model is not known',
    status: 404,
    detail: 'Name another one',
    closest: ['a'],
    error: {
      message: 'Name another one',
      type: 'invalid_request_error',
      code: 'model_not_found',
      param: null,
    },
  });
  expect(refusalDocument({ reason: 'runtime-not-ready', detail: 'x' }).error).toMatchObject({
    type: 'server_error',
    code: 'runtime_not_ready',
  });
});

test('the models of all runtimes, with who serves them', () => {
  const runtimes = [
    routable('llama', { models: [{ id: 'm', state: 'loaded', context: 512 }, model('n', 'unloaded')] }),
    routable('tool', { state: 'starting', accepting: false }),
  ];
  const entry = { object: 'model', created: 0 };
  const llama = { ...entry, owned_by: 'llama', runtime: 'llama', runtime_state: 'ready', accepting: true };
  expect(modelsBody(runtimes)).toEqual({
    object: 'list',
    data: [
      { ...llama, id: 'm', state: 'loaded', context: 512 },
      { ...llama, id: 'n', state: 'unloaded' },
      {
        ...entry,
        id: 'tool',
        owned_by: 'tool',
        runtime: 'tool',
        runtime_state: 'starting',
        accepting: false,
      },
    ],
  });
});

describe('settings', () => {
  test.each([
    [undefined, undefined, { port: 8780, apiKey: undefined }],
    [{ port: 9000 }, undefined, { port: 9000, apiKey: undefined }],
    [{ port: 9000 }, 0, { port: 0, apiKey: undefined }],
    [{ enabled: false, port: 9000 }, 9001, undefined],
    [{ api_key_env: 'GATEWAY_KEY' }, undefined, { port: 8780, apiKey: 'secret' }],
  ])('%j, environment %j', (table, port, expected) => {
    expect(gatewaySettings(table, port, { GATEWAY_KEY: 'secret' })).toEqual(expected);
  });
  test('a key is what is left without the white space around it', () => {
    const settings = gatewaySettings({ api_key_env: 'GATEWAY_KEY' }, undefined, { GATEWAY_KEY: ' secret\n' });
    expect(settings?.apiKey).toBe('secret');
  });
  test('a key that is not set opens nothing', () => {
    const name = { api_key_env: 'GATEWAY_KEY' };
    for (const env of [{}, { GATEWAY_KEY: ' ' }]) {
      expect(() => gatewaySettings(name, undefined, env)).toThrow(
        new ConfigError(
          'gateway.api_key_env names GATEWAY_KEY, which is not set; set it to the key, or remove the line',
        ),
      );
    }
  });
});
