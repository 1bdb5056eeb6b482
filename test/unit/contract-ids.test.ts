// How nodes, runtimes and jobs may be spelled, and how they are taken apart again.

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as v from 'valibot';
import {
  makeJobId,
  NodeIdSchema,
  nodeOfJobId,
  parseRuntimeRef,
  RuntimeIdSchema,
} from '../../contract/ids.ts';
import { holds } from '../support/property.ts';

describe('spelling', () => {
  test.each(['local', 'gpu-01', 'host.example.org', 'A_1', 'x'.repeat(63)])('%s may name a node', (id) => {
    expect(v.is(NodeIdSchema, id)).toBe(true);
  });
  test.each(['', '-x', '.hidden', 'a/b', 'a:b', 'a b', 'ä', 'x'.repeat(64), 'a\n', 'constructor'])(
    '"%s" may not',
    (id) => {
      expect(v.is(NodeIdSchema, id)).toBe(false);
    },
  );
  test.each(['llama.70b', 'qwen3:8b', 'a', 'x'.repeat(127)])('%s may name a runtime', (id) => {
    expect(v.is(RuntimeIdSchema, id)).toBe(true);
  });
  test.each(['', 'a/b', '../etc', 'a b', 'x'.repeat(128), ':a'])('"%s" may not', (id) => {
    expect(v.is(RuntimeIdSchema, id)).toBe(false);
  });
});

describe('references', () => {
  test.each([
    ['llama', { runtime: 'llama' }],
    ['gpu-01/llama', { node: 'gpu-01', runtime: 'llama' }],
    ['gpu-01/qwen3:8b', { node: 'gpu-01', runtime: 'qwen3:8b' }],
  ])('%s is understood', (text, ref) => {
    expect(parseRuntimeRef(text)).toEqual(ref);
  });
  test.each(['', '/', 'gpu-01/', '/llama', 'a/b/c', 'gpu 01/llama', 'gpu-01/../x'])(
    '"%s" names no runtime',
    (text) => {
      expect(parseRuntimeRef(text)).toBeUndefined();
    },
  );
});

describe('job ids', () => {
  test.each(['', ':', ':x', 'gpu-01:', 'gpu-01', 'a/b:x'])('"%s" is none', (text) => {
    expect(nodeOfJobId(text)).toBeUndefined();
  });
});

const nodeId = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/);
const runtimeId = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,126}$/);

test('property: what is put together is taken apart again', () => {
  holds(
    fc.property(nodeId, runtimeId, (node, runtime) => {
      expect(parseRuntimeRef(`${node}/${runtime}`)).toEqual({ node, runtime });
      expect(nodeOfJobId(makeJobId(node, runtime))).toBe(node);
    }),
  );
});

test('property: any text is either a valid reference or none', () => {
  holds(
    fc.property(fc.string({ maxLength: 80 }), (text) => {
      const ref = parseRuntimeRef(text);
      fc.pre(ref !== undefined);
      expect(v.is(RuntimeIdSchema, ref.runtime)).toBe(true);
      expect(v.is(v.optional(NodeIdSchema), ref.node)).toBe(true);
    }),
  );
});
