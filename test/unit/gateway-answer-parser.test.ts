// An engine's answer, read whatever way its bytes are cut, and never taken for whole where it is not.

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AnswerParser, type AnswerHead } from '../../reporter/gateway/answer-parser.ts';
import { holds } from '../support/property.ts';

type Read = {
  heads: AnswerHead[];
  body: string;
  fault: string | undefined;
  isDone: boolean;
  isWhole: boolean;
};

/** What a parser makes of the pieces, and of the connection's end after them. */
function read(pieces: readonly Buffer[]): Read {
  const heads: AnswerHead[] = [];
  const parts: Buffer[] = [];
  const parser = new AnswerParser({
    onHead: (head) => heads.push(head),
    onBody: (bytes) => parts.push(bytes),
  });
  let fault: string | undefined;
  for (const piece of pieces) fault ??= parser.push(piece);
  const { isDone } = parser;
  const isWhole = fault === undefined && parser.close();
  return { heads, body: Buffer.concat(parts).toString('latin1'), fault, isDone, isWhole };
}

const readText = (text: string): Read => read([Buffer.from(text, 'latin1')]);

const OK = 'HTTP/1.1 200 OK\r\n';
const token = fc.stringMatching(/^[A-Za-z][A-Za-z0-9-]{0,12}$/).map((name) => `X-${name}`);
const value = fc.stringMatching(/^(?:[!-~](?:[ !-~]{0,20}[!-~])?)?$/);
const headers = fc.array(fc.tuple(token, value), { maxLength: 6 });
const body = fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { maxLength: 6 });
const framing = fc.constantFrom('sized', 'chunked', 'until-close');

/** The bytes of an answer, as an engine may write them. */
function written(
  how: string,
  named: [string, string][],
  parts: readonly Uint8Array[],
  early: boolean,
): Buffer {
  const whole = Buffer.concat(parts);
  const lines = named.map(([name, text]) => `${name}: ${text}\r\n`).join('');
  const length =
    how === 'sized'
      ? `Content-Length: ${whole.length}\r\n`
      : how === 'chunked'
        ? 'Transfer-Encoding: chunked\r\n'
        : '';
  const chunks = parts.map((part) =>
    Buffer.concat([Buffer.from(`${part.length.toString(16)};a="b"\r\n`), part, Buffer.from('\r\n')]),
  );
  const coded = how === 'chunked' ? [...chunks, Buffer.from('0\r\nX-Trailer: 1\r\n\r\n')] : [whole];
  const interim = early ? 'HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n' : '';
  return Buffer.concat([Buffer.from(`${interim}${OK}${lines}${length}\r\n`, 'latin1'), ...coded]);
}

function cutAt(bytes: Buffer, places: readonly number[]): Buffer[] {
  const at = [...new Set(places.map((place) => place % (bytes.length + 1)))].toSorted((a, b) => a - b);
  return [0, ...at].map((from, index) => bytes.subarray(from, at[index] ?? bytes.length));
}

test('any answer, cut anywhere: its head and its body, and whole', () => {
  holds(
    fc.property(
      framing,
      headers,
      body,
      fc.boolean(),
      fc.array(fc.nat(2000), { maxLength: 30 }),
      (how, named, parts, early, places) => {
        const got = read(cutAt(written(how, named, parts, early), places));
        expect(got.fault).toBeUndefined();
        expect(got.heads).toHaveLength(1);
        expect(got.heads[0]?.status).toBe(200);
        expect(got.heads[0]?.rawHeaders.slice(0, named.length * 2)).toEqual(named.flat());
        expect(got.body).toBe(Buffer.concat(parts).toString('latin1'));
        expect(got.isWhole).toBe(true);
        expect(got.isDone).toBe(how !== 'until-close');
      },
    ),
  );
});

test('one that breaks off is never whole', () => {
  holds(
    fc.property(
      fc.constantFrom('sized', 'chunked'),
      headers,
      body,
      fc.nat(),
      fc.array(fc.nat(2000), { maxLength: 10 }),
      (how, named, parts, keep, places) => {
        const whole = written(how, named, parts, false);
        const got = read(cutAt(whole.subarray(0, keep % whole.length), places));
        expect(got.isWhole).toBe(false);
        expect(Buffer.concat(parts).toString('latin1').startsWith(got.body)).toBe(true);
      },
    ),
  );
});

describe('how long a body is', () => {
  test.each([
    ['none of 204', 'HTTP/1.1 204 No Content\r\n\r\n', ''],
    ['none of 304, whatever its length says', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n', ''],
    ['the same length twice', `${OK}Content-Length: 2\r\nContent-Length: 2\r\n\r\nhi`, 'hi'],
    [
      'chunks, whatever a length says',
      `${OK}Content-Length: 9\r\nTransfer-Encoding: Chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n`,
      'hi',
    ],
    ['what follows the whole is not read', `${OK}Content-Length: 2\r\n\r\nhiHTTP/1.1 500 No\r\n\r\n`, 'hi'],
    ['of HTTP/1.0, without a reason', 'HTTP/1.0 200\r\nContent-Length: 2\r\n\r\nhi', 'hi'],
  ])('%s', (_, text, told) => {
    expect(readText(text)).toMatchObject({ fault: undefined, isDone: true, body: told });
  });
});

describe('what is no answer is said', () => {
  test.each([
    ['another protocol', 'SSH-2.0-OpenSSH\r\n\r\n', 'speaks no HTTP'],
    ['a status of two digits', 'HTTP/1.1 20 OK\r\n\r\n', 'speaks no HTTP'],
    ['a status below 100', 'HTTP/1.1 099 OK\r\n\r\n', 'speaks no HTTP'],
    ['a wish to switch', 'HTTP/1.1 101 Switching Protocols\r\n\r\n', 'another protocol'],
    ['a header without a colon', `${OK}nothing\r\n\r\n`, 'one of its headers'],
    ['a header that goes on', `${OK}A: 1\r\n b\r\n\r\n`, 'one of its headers'],
    ['a space before the colon', `${OK}A : 1\r\n\r\n`, 'one of its headers'],
    ['two lengths', `${OK}Content-Length: 1\r\nContent-Length: 2\r\n\r\n`, 'content-length'],
    ['a length with a sign', `${OK}Content-Length: +1\r\n\r\n`, 'content-length'],
    ['a coding that was not asked for', `${OK}Transfer-Encoding: gzip, chunked\r\n\r\n`, 'coded as'],
    ['a chunk without a size', `${OK}Transfer-Encoding: chunked\r\n\r\nzz\r\n`, 'no size'],
    ['a size without an end', `${OK}Transfer-Encoding: chunked\r\n\r\n${'1'.repeat(5000)}`, 'no size'],
    ['a size beyond any number', `${OK}Transfer-Encoding: chunked\r\n\r\n${'f'.repeat(14)}\r\n`, 'no size'],
    ['a chunk longer than it says', `${OK}Transfer-Encoding: chunked\r\n\r\n2\r\nhix\r\n`, 'longer'],
    ['lines without CR', `${OK}Transfer-Encoding: chunked\r\n\r\n2\nhi`, 'without CR'],
    ['headers without an end', `${OK}A: ${'x'.repeat(70_000)}`, 'no end'],
    [
      'trailers without an end',
      `${OK}Transfer-Encoding: chunked\r\n\r\n0\r\n${'A: 1\r\n'.repeat(20_000)}`,
      'no end',
    ],
  ])('%s', (_, text, words) => {
    const got = readText(text);
    expect(got.fault).toContain(words);
    expect(got.isWhole).toBe(false);
  });
});
