// Finding the model's name in a body that is still arriving.

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { withModel } from '../../reporter/gateway/body-start.ts';
import { JsonModelFinder } from '../../reporter/gateway/json-model.ts';
import type { Finding, ModelFinder } from '../../reporter/gateway/model-finder.ts';
import { MultipartModelFinder } from '../../reporter/gateway/multipart-model.ts';
import { namedOnce } from '../../reporter/gateway/named-once.ts';
import { holds } from '../support/property.ts';

/** Pushes pieces until it knows, and says how many bytes that took. */
function find(finder: ModelFinder, body: Buffer, pieces: number): { finding: Finding; readBytes: number } {
  for (let at = 0; at < body.length; at += pieces) {
    const finding = finder.push(body.subarray(at, at + pieces));
    if (finding.kind !== 'more') return { finding, readBytes: Math.min(body.length, at + pieces) };
  }
  return { finding: { kind: 'more' }, readBytes: body.length };
}

const inJson = (text: string, pieces = 7): Finding =>
  find(new JsonModelFinder(), Buffer.from(text), pieces).finding;

const clean = (members: [string, unknown][]) => members.filter(([name]) => name !== 'model');

describe('JSON', () => {
  test.each([
    '{"model":"m"}',
    ' \n{ "messages" : [ {"model":"no", "content":"\\"model\\":\\"no\\""} ] , "model" : "m" }',
    '{"a":{"model":"no"},"b":["model",{"model":1}],"c":-1.5e3,"d":null,"model":"m"}',
    '{"x":"ends in a backslash \\\\","model":"m"}',
    '{"mod\\u0065l":"m"}',
    '{"key":"model","model":"m"}',
  ])('is found in %s', (text) => {
    for (let pieces = 1; pieces <= text.length; pieces += 1)
      expect(inJson(text, pieces)).toMatchObject({ kind: 'found', name: 'm' });
  });

  test.each([
    '[{"model":"m"}]',
    '"model"',
    'x',
    '{}',
    '{"model":1,"x":"y"}',
    '{"model":{"model":"m"}}',
    '{"a":"model"}',
  ])('is not there in %s', (text) => {
    expect(inJson(text)).toEqual({ kind: 'none' });
  });

  test('nothing is kept of a prompt, and nothing is read behind the name', () => {
    const body = Buffer.from(`{"model":"m","prompt":"${'x'.repeat(100_000)}"}`);
    expect(find(new JsonModelFinder(), body, 64).readBytes).toBe(64);
  });

  test('a name as long as a prompt is none', () => {
    expect(inJson(`{"model":"${'x'.repeat(5_000)}"}`)).toEqual({ kind: 'none' });
  });

  test('as a parser finds it, however the bytes arrive', () => {
    const NASTY = fc.constantFrom('m', '"', '\\', 'é', '😀', '\u0000', '{', ']', ',', ':', '\n');
    const key = fc.oneof(fc.constantFrom('a', 'mode', 'model '), fc.string({ unit: NASTY, maxLength: 8 }));
    const member = fc.tuple(key, fc.jsonValue({ maxDepth: 2, stringUnit: NASTY }));
    holds(
      fc.property(
        fc.array(member, { maxLength: 5 }),
        fc.string({ unit: NASTY, maxLength: 60 }),
        fc.array(member, { maxLength: 5 }),
        fc.integer({ min: 1, max: 50 }),
        fc.constantFrom(0, 2),
        (before, name, after, pieces, indent) => {
          const members: [string, unknown][] = [...clean(before), ['model', name], ...clean(after)];
          const text = JSON.stringify(Object.fromEntries(members), undefined, indent);
          const body = Buffer.from(text);
          const { finding, readBytes } = find(new JsonModelFinder(), body, pieces);
          expect(finding).toMatchObject({ kind: 'found', name });
          const start = { kind: 'start' as const, bytes: body.subarray(0, readBytes), ended: false, finding };
          const renamed = Buffer.concat([withModel(start, 'other'), body.subarray(readBytes)]);
          expect(JSON.parse(renamed.toString())).toEqual({ ...JSON.parse(text), model: 'other' });
        },
      ),
    );
  });

  test('no bytes whatever make it fail', () => {
    holds(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.integer({ min: 1, max: 9 }), (bytes, pieces) => {
        expect(() => find(new JsonModelFinder(), Buffer.from(bytes), pieces)).not.toThrow();
      }),
    );
  });
});

const form = (name: string, fill: string): Buffer =>
  Buffer.from(
    `--b\r\nContent-Disposition: form-data; name="file"; filename="model"\r\nContent-Type: audio/wav\r\n\r\n${fill}\r\n` +
      `--b\r\nContent-Disposition: form-data; name="model"\r\n\r\n${name}\r\n--b--\r\n`,
  );

describe('a form', () => {
  test.each([1, 3, 17, 1_000, 100_000])('is found in pieces of %i bytes', (pieces) => {
    const { finding } = find(new MultipartModelFinder(), form('whisper-größe', 'x'.repeat(3_000)), pieces);
    expect(finding).toEqual({ kind: 'found', name: 'whisper-größe' });
  });

  test('a form without the field names none', () => {
    const body = Buffer.from('--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nmodel\r\n--b--\r\n');
    expect(find(new MultipartModelFinder(), body, 10).finding).toEqual({ kind: 'more' });
  });
});

/** After which piece, counted from 1, it is no longer named once; undefined where it is to the end. */
function twiceAfter(body: Buffer, isForm: boolean, pieces: number): number | undefined {
  const once = namedOnce(isForm);
  for (let at = 0; at < body.length; at += pieces)
    if (!once(body.subarray(at, at + pieces))) return at / pieces + 1;
  return undefined;
}

describe('named once', () => {
  test.each([
    '{"model":"m"}',
    '{"a":{"model":1,"model":2},"model":"m","b":["model","model"],"c":"model"}',
    '{"model":"m"}{"model":"n"}',
    '[]',
  ])('%s', (text) => {
    for (let pieces = 1; pieces <= text.length; pieces += 1)
      expect(twiceAfter(Buffer.from(text), false, pieces)).toBeUndefined();
  });
  test.each([
    '{"model":"m","model":"n"}',
    '{"model":1,"x":{},"model":"n"}',
    '{"model":{"a":[]},"MODEL":"n"}',
    '{"model":"m","\\u006dodel":null}',
  ])('not %s', (text) => {
    for (let pieces = 1; pieces <= text.length; pieces += 1)
      expect(twiceAfter(Buffer.from(text), false, pieces)).toBeDefined();
  });
  test.each([1, 3, 17, 1_000, 100_000])('a form in pieces of %i bytes', (pieces) => {
    const one = form('m', 'x'.repeat(3_000));
    const field = '--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nn\r\n';
    expect(twiceAfter(one, true, pieces)).toBeUndefined();
    expect(twiceAfter(Buffer.concat([Buffer.from(field), one]), true, pieces)).toBeDefined();
  });
});
