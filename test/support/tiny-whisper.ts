// Owns the tiny whisper model of the tests: whisper's own ggml format, 4 layers of width 16, weights from a counter.
// A real whisper-server loads it and transcribes with it, into words that mean nothing.

import { writeFile } from 'node:fs/promises';

/** `ggml` as the number that the file begins with. */
const MAGIC = 0x67676d6c;
/** The multilingual vocabulary's successor tokens are computed from this number: no other is accepted. */
const VOCABULARY = 51_864;
const AUDIO_CONTEXT = 1500;
const TEXT_CONTEXT = 448;
const WIDTH = 16;
const HEADS = 2;
/** Whisper tells a model's size by its layers; 4 is "tiny". */
const LAYERS = 4;
const MELS = 80;
const FFT_BINS = 201;
const F32 = 0;

type Tensor = { name: string; dimensions: readonly number[]; value: (index: number) => number };

const int32 = (...values: number[]): Buffer => Buffer.from(Int32Array.from(values).buffer);
const float32 = (count: number, value: (index: number) => number): Buffer =>
  Buffer.from(Float32Array.from({ length: count }, (_, index) => value(index)).buffer);
/** Small, without a pattern, and the same on every machine. */
const weight = (index: number): number => ((Math.imul(index + 1, 2_654_435_761) >>> 0) / 2 ** 32 - 0.5) * 0.2;

function linear(name: string, inputs: number, outputs: number, bias = true): Tensor[] {
  const matrix = { name: `${name}.weight`, dimensions: [inputs, outputs], value: weight };
  return bias ? [matrix, { name: `${name}.bias`, dimensions: [outputs], value: () => 0 }] : [matrix];
}

function norm(name: string): Tensor[] {
  return [
    { name: `${name}.weight`, dimensions: [WIDTH], value: () => 1 },
    { name: `${name}.bias`, dimensions: [WIDTH], value: () => 0 },
  ];
}

function attention(name: string): Tensor[] {
  return [
    ...norm(`${name}_ln`),
    ...linear(`${name}.query`, WIDTH, WIDTH),
    ...linear(`${name}.key`, WIDTH, WIDTH, false),
    ...linear(`${name}.value`, WIDTH, WIDTH),
    ...linear(`${name}.out`, WIDTH, WIDTH),
  ];
}

function blocks(side: 'encoder' | 'decoder'): Tensor[] {
  return Array.from({ length: LAYERS }, (_, layer) => `${side}.blocks.${layer}`).flatMap((block) => [
    ...norm(`${block}.mlp_ln`),
    ...linear(`${block}.mlp.0`, WIDTH, 4 * WIDTH),
    ...linear(`${block}.mlp.2`, 4 * WIDTH, WIDTH),
    ...attention(`${block}.attn`),
    ...(side === 'decoder' ? attention(`${block}.cross_attn`) : []),
  ]);
}

function convolution(name: string, inputs: number): Tensor[] {
  return [
    { name: `${name}.weight`, dimensions: [3, inputs, WIDTH], value: weight },
    { name: `${name}.bias`, dimensions: [1, WIDTH], value: () => 0 },
  ];
}

function tensors(): Tensor[] {
  return [
    { name: 'encoder.positional_embedding', dimensions: [WIDTH, AUDIO_CONTEXT], value: weight },
    ...convolution('encoder.conv1', MELS),
    ...convolution('encoder.conv2', WIDTH),
    ...norm('encoder.ln_post'),
    ...blocks('encoder'),
    { name: 'decoder.positional_embedding', dimensions: [WIDTH, TEXT_CONTEXT], value: weight },
    { name: 'decoder.token_embedding.weight', dimensions: [WIDTH, VOCABULARY], value: weight },
    ...norm('decoder.ln'),
    ...blocks('decoder'),
  ];
}

function encodeTensor({ name, dimensions, value }: Tensor): Buffer {
  const count = dimensions.reduce((product, dimension) => product * dimension, 1);
  const header = int32(dimensions.length, Buffer.byteLength(name), F32, ...dimensions);
  return Buffer.concat([header, Buffer.from(name), float32(count, value)]);
}

export async function writeTinyWhisper(path: string): Promise<void> {
  const sizes = [
    VOCABULARY,
    AUDIO_CONTEXT,
    WIDTH,
    HEADS,
    LAYERS,
    TEXT_CONTEXT,
    WIDTH,
    HEADS,
    LAYERS,
    MELS,
    F32,
  ];
  // The tokens of one byte; whisper makes up the names of the others.
  const bytes = Array.from({ length: 256 }, (_, byte) => Buffer.concat([int32(1), Buffer.from([byte])]));
  await writeFile(
    path,
    Buffer.concat([
      int32(MAGIC, ...sizes),
      int32(MELS, FFT_BINS),
      float32(MELS * FFT_BINS, () => 0.01),
      int32(bytes.length),
      ...bytes,
      ...tensors().map(encodeTensor),
    ]),
  );
}
