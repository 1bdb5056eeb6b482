// Owns tensors as JSON: `{type, dims, data}` with a flat list in row-major order, checked before a model sees it.

import * as v from 'valibot';
import { RequestProblem } from './problem.ts';

/** 64-bit integers come as numbers, or as decimal text where a number would lose digits. */
const NUMBERS = {
  float32: Float32Array,
  float64: Float64Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
} as const;
const WIDE_INTEGERS = { int64: BigInt64Array, uint64: BigUint64Array } as const;

type NumberType = keyof typeof NUMBERS;
type WideType = keyof typeof WIDE_INTEGERS;
type NumberArray = InstanceType<(typeof NUMBERS)[NumberType]>;
export type TensorData = NumberArray | BigInt64Array | BigUint64Array | string[];

export type HostTensor = { type: string; dims: readonly number[]; data: TensorData };
export type HostTensors = Readonly<Record<string, HostTensor>>;

const isNumberType = (type: string): type is NumberType => Object.hasOwn(NUMBERS, type);
const isWideType = (type: string): type is WideType => Object.hasOwn(WIDE_INTEGERS, type);
const TENSOR_TYPES = [...Object.keys(NUMBERS), ...Object.keys(WIDE_INTEGERS), 'bool', 'string'];

const TensorSchema = v.strictObject({
  type: v.picklist(TENSOR_TYPES),
  dims: v.array(v.pipe(v.number(), v.integer(), v.minValue(0))),
  data: v.array(v.union([v.number(), v.string(), v.boolean()])),
});
const InferSchema = v.strictObject({ inputs: v.record(v.string(), TensorSchema) });

/** @throws RequestProblem naming the input and what is wrong with it. */
export function readInputs(body: unknown): HostTensors {
  const parsed = v.safeParse(InferSchema, body);
  if (!parsed.success) {
    const [issue] = parsed.issues;
    const at = v.getDotPath(issue) ?? 'the body';
    throw malformed(`${at}: ${issue.message}; send {"inputs": {NAME: {"type", "dims", "data"}}}`);
  }
  const entries = Object.entries(parsed.output.inputs);
  return Object.fromEntries(entries.map(([name, tensor]) => [name, readTensor(name, tensor)]));
}

function readTensor(name: string, { type, dims, data }: v.InferOutput<typeof TensorSchema>): HostTensor {
  const count = dims.reduce((product, dim) => product * dim, 1);
  if (count !== data.length) {
    throw malformed(
      `inputs.${name}: dims ${JSON.stringify(dims)} want ${count} values, data has ${data.length}`,
    );
  }
  return { type, dims, data: readData(name, type, data) };
}

function readData(name: string, type: string, data: readonly (number | string | boolean)[]): TensorData {
  const wrong = (value: unknown): RequestProblem =>
    malformed(`inputs.${name}: ${JSON.stringify(value)} is no ${type}`);
  if (type === 'string') {
    return data.map((value) => {
      if (typeof value !== 'string') throw wrong(value);
      return value;
    });
  }
  if (type === 'bool') {
    return Uint8Array.from(data, (value) => {
      if (typeof value !== 'boolean') throw wrong(value);
      return value ? 1 : 0;
    });
  }
  if (isWideType(type)) {
    const wide = data.map((value) => {
      const isInteger =
        typeof value === 'number' ? Number.isSafeInteger(value) : /^-?\d{1,20}$/.test(String(value));
      const integer = isInteger && typeof value !== 'boolean' ? BigInt(value) : undefined;
      if (integer === undefined || !fits(type, integer)) throw wrong(value);
      return integer;
    });
    return WIDE_INTEGERS[type].from(wide);
  }
  if (!isNumberType(type)) throw wrong(type);
  const numbers = data.map((value) => {
    if (typeof value !== 'number') throw wrong(value);
    return value;
  });
  const typed = NUMBERS[type].from(numbers);
  // A list of whole numbers wraps around silently: what does not come back as it went in does not fit.
  const lost = type.startsWith('float') ? -1 : numbers.findIndex((value, index) => typed[index] !== value);
  if (lost >= 0) throw wrong(numbers[lost]);
  return typed;
}

function fits(type: WideType, integer: bigint): boolean {
  return (type === 'int64' ? BigInt.asIntN(64, integer) : BigInt.asUintN(64, integer)) === integer;
}

/** What JSON has no number for is text: `"NaN"`, `"Infinity"`, an integer beyond 2^53. */
export function writeTensor({ type, dims, data }: HostTensor): Record<string, unknown> {
  if (type === 'bool') return { type, dims, data: Array.from(data, Boolean) };
  const values = Array.from<number | bigint | string, number | string>(data, (value) => {
    if (typeof value === 'bigint') {
      const number = Number(value);
      return Number.isSafeInteger(number) ? number : value.toString();
    }
    return typeof value === 'string' || Number.isFinite(value) ? value : String(value);
  });
  return { type, dims, data: values };
}

function malformed(detail: string): RequestProblem {
  return new RequestProblem('malformed-body', detail);
}
