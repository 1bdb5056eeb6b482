/** The tiny model: the file says what it should, and the same seed makes the same bytes everywhere. */
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { tinyGguf, writeTinyGguf } from '../../scripts/engine/tiny-gguf.ts';

interface Tensor {
  dimensions: number[];
  type: number;
  offset: number;
}

/** Reads GGUF as its specification says, apart from the code that writes it. */
function parseGguf(bytes: Uint8Array): {
  version: number;
  metadata: Map<string, unknown>;
  tensors: Map<string, Tensor>;
  dataStart: number;
} {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const take = <T>(sizeBytes: number, read: (offset: number) => T): T => {
    const value = read(at);
    at += sizeBytes;
    return value;
  };
  const uint32 = (): number => take(4, (offset) => view.getUint32(offset, true));
  const uint64 = (): number => Number(take(8, (offset) => view.getBigUint64(offset, true)));
  const text = (): string => {
    const sizeBytes = uint64();
    return take(sizeBytes, (offset) => new TextDecoder().decode(bytes.subarray(offset, offset + sizeBytes)));
  };
  const value = (type: number): unknown => {
    if (type === 4) return uint32();
    if (type === 5) return take(4, (offset) => view.getInt32(offset, true));
    if (type === 6) return take(4, (offset) => view.getFloat32(offset, true));
    if (type === 8) return text();
    if (type !== 9) throw new Error(`a metadata type that the model has no use for: ${type}`);
    const elementType = uint32();
    return Array.from({ length: uint64() }, () => value(elementType));
  };

  expect(new TextDecoder().decode(bytes.subarray(0, 4))).toBe('GGUF');
  at = 4;
  const version = uint32();
  const [tensorCount, valueCount] = [uint64(), uint64()];
  const metadata = new Map(Array.from({ length: valueCount }, () => [text(), value(uint32())] as const));
  const tensor = (): [string, Tensor] => {
    const name = text();
    const dimensions = Array.from({ length: uint32() }, uint64);
    return [name, { dimensions, type: uint32(), offset: uint64() }];
  };
  const tensors = new Map(Array.from({ length: tensorCount }, tensor));
  return { version, metadata, tensors, dataStart: Math.ceil(at / 32) * 32 };
}

const sha256 = (seed: number): string => createHash('sha256').update(tinyGguf({ seed })).digest('hex');
const elements = ({ dimensions }: Tensor): number => dimensions.reduce((product, size) => product * size, 1);

test('the header describes a llama model with a vocabulary and a chat template', () => {
  const { version, metadata } = parseGguf(tinyGguf({ seed: 7 }));

  expect(version).toBe(3);
  expect(metadata.get('general.architecture')).toBe('llama');
  expect(metadata.get('llama.context_length')).toBe(2048);
  expect(metadata.get('llama.embedding_length')).toBe(64);
  expect(metadata.get('llama.block_count')).toBe(2);
  expect(metadata.get('tokenizer.chat_template')).toContain("m['role']");
  const tokens = metadata.get('tokenizer.ggml.tokens');
  expect(tokens).toHaveLength(294);
  expect(tokens).toEqual(expect.arrayContaining(['<unk>', '<s>', '</s>', '<0x00>', '<0xFF>', '▁', 'a', 'z']));
  expect(new Set(Array.isArray(tokens) ? tokens : []).size).toBe(294);
  expect(metadata.get('tokenizer.ggml.scores')).toHaveLength(294);
  expect(metadata.get('tokenizer.ggml.token_type')).toHaveLength(294);
});

test('the tensors are those of the architecture, aligned, without a gap, to the last byte of the file', () => {
  const bytes = tinyGguf({ seed: 7 });
  const { tensors, dataStart } = parseGguf(bytes);

  const perBlock = [
    'attn_norm',
    'attn_q',
    'attn_k',
    'attn_v',
    'attn_output',
    'ffn_norm',
    'ffn_gate',
    'ffn_up',
    'ffn_down',
  ];
  const blocks = [0, 1].flatMap((block) => perBlock.map((name) => `blk.${block}.${name}.weight`));
  expect([...tensors.keys()].toSorted()).toEqual(
    ['token_embd.weight', 'output_norm.weight', 'output.weight', ...blocks].toSorted(),
  );
  let end = 0;
  for (const tensor of tensors.values()) {
    expect(tensor.type).toBe(0);
    expect(tensor.offset).toBe(end);
    end += Math.ceil((elements(tensor) * 4) / 32) * 32;
  }
  expect(dataStart + end).toBe(bytes.length);
  const parameters = [...tensors.values()].reduce((sum, tensor) => sum + elements(tensor), 0);
  expect(parameters).toBe(119_872);
});

test('the seed decides every byte', () => {
  expect(sha256(7)).toBe('73a83cb8ec2b2f2f3c2b7972f45942ba3173a66a2cc05a908799e186afd5c171');
  expect(sha256(8)).not.toBe(sha256(7));
});

test('writers at the same time leave one whole file and nothing beside it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tiny-gguf-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, 'models', 'tiny.gguf');

  await Promise.all([writeTinyGguf(path, { seed: 7 }), writeTinyGguf(path, { seed: 7 })]);

  expect(new Uint8Array(await readFile(path))).toEqual(tinyGguf({ seed: 7 }));
  expect(await readdir(join(folder, 'models'))).toEqual(['tiny.gguf']);
});
