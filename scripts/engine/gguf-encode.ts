/**
 * Owns the bytes of a GGUF file (version 3, little endian, tensors of 32-bit floats). Knows the container
 * format only; which keys and tensors a model needs is decided by the caller. No I/O.
 */

/** A metadata value, tagged with the type that the format stores beside it. */
export type GgufValue =
  | { type: 'uint32'; value: number }
  | { type: 'float32'; value: number }
  | { type: 'string'; value: string }
  | { type: 'strings'; value: readonly string[] }
  | { type: 'float32s'; value: readonly number[] }
  | { type: 'int32s'; value: readonly number[] };

/** `dimensions[0]` is the length of a row, as ggml counts. */
export interface GgufTensor {
  name: string;
  dimensions: readonly number[];
  values: Float32Array;
}

const VERSION = 3;
const TYPE = { uint32: 4, int32: 5, float32: 6, string: 8, array: 9 } as const;
const TENSOR_TYPE_F32 = 0;
/** The format's default; a file may name another in `general.alignment`. */
const ALIGNMENT_BYTES = 32;

const align = (sizeBytes: number): number => Math.ceil(sizeBytes / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;

function scalar(write: (view: DataView) => void, sizeBytes: number): Uint8Array {
  const bytes = new Uint8Array(sizeBytes);
  write(new DataView(bytes.buffer));
  return bytes;
}

const uint32 = (value: number): Uint8Array => scalar((view) => view.setUint32(0, value, true), 4);
const int32 = (value: number): Uint8Array => scalar((view) => view.setInt32(0, value, true), 4);
const float32 = (value: number): Uint8Array => scalar((view) => view.setFloat32(0, value, true), 4);
const uint64 = (value: number): Uint8Array => scalar((view) => view.setBigUint64(0, BigInt(value), true), 8);

function text(value: string): Uint8Array[] {
  const bytes = new TextEncoder().encode(value);
  return [uint64(bytes.length), bytes];
}

function array(elementType: number, elements: readonly Uint8Array[], count: number): Uint8Array[] {
  return [uint32(TYPE.array), uint32(elementType), uint64(count), ...elements];
}

function typedValue(entry: GgufValue): Uint8Array[] {
  let parts: Uint8Array[];
  switch (entry.type) {
    case 'uint32':
      parts = [uint32(TYPE.uint32), uint32(entry.value)];
      break;
    case 'float32':
      parts = [uint32(TYPE.float32), float32(entry.value)];
      break;
    case 'string':
      parts = [uint32(TYPE.string), ...text(entry.value)];
      break;
    case 'strings':
      parts = array(TYPE.string, entry.value.flatMap(text), entry.value.length);
      break;
    case 'float32s':
      parts = array(TYPE.float32, entry.value.map(float32), entry.value.length);
      break;
    case 'int32s':
      parts = array(TYPE.int32, entry.value.map(int32), entry.value.length);
      break;
  }
  return parts;
}

function join(parts: readonly Uint8Array[], sizeBytes: number): Uint8Array {
  const bytes = new Uint8Array(sizeBytes);
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}

function floatBytes(values: Float32Array): Uint8Array {
  const bytes = new Uint8Array(align(values.length * 4));
  const view = new DataView(bytes.buffer);
  for (const [index, value] of values.entries()) view.setFloat32(index * 4, value, true);
  return bytes;
}

/** Lays out header, metadata, tensor table and tensor data; every offset is aligned as ggml requires. */
export function encodeGguf(
  metadata: readonly [string, GgufValue][],
  tensors: readonly GgufTensor[],
): Uint8Array {
  const head: Uint8Array[] = [
    new TextEncoder().encode('GGUF'),
    uint32(VERSION),
    uint64(tensors.length),
    uint64(metadata.length),
    ...metadata.flatMap(([key, value]) => [...text(key), ...typedValue(value)]),
  ];
  let offset = 0;
  for (const { name, dimensions, values } of tensors) {
    head.push(...text(name), uint32(dimensions.length), ...dimensions.map(uint64));
    head.push(uint32(TENSOR_TYPE_F32), uint64(offset));
    offset += align(values.length * 4);
  }
  const headSizeBytes = head.reduce((sum, part) => sum + part.length, 0);
  const padding = new Uint8Array(align(headSizeBytes) - headSizeBytes);
  const parts = [...head, padding, ...tensors.map(({ values }) => floatBytes(values))];
  return join(parts, align(headSizeBytes) + offset);
}
