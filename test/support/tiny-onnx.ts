// Owns the ONNX models of the tests: a few nodes each, encoded by hand in the protobuf form of `onnx.proto`.

const FLOAT = 1;
const INT64 = 7;
const IR_VERSION = 8;
const OPSET = 13;

function varint(value: number): Buffer {
  const groups: number[] = [];
  let rest = value;
  while (rest > 0x7f) {
    groups.push((rest & 0x7f) | 0x80);
    rest = Math.floor(rest / 128);
  }
  return Buffer.from([...groups, rest]);
}

/** A field that is a number, and one that is bytes: text, or a message. */
const number = (field: number, value: number): Buffer => Buffer.concat([varint(field << 3), varint(value)]);
function bytes(field: number, value: string | Buffer): Buffer {
  const body = typeof value === 'string' ? Buffer.from(value) : value;
  return Buffer.concat([varint((field << 3) | 2), varint(body.length), body]);
}
const message = (field: number, ...parts: readonly Buffer[]): Buffer => bytes(field, Buffer.concat(parts));

function node(operator: string, inputs: readonly string[], output: string): Buffer {
  return message(1, ...inputs.map((input) => bytes(1, input)), bytes(2, output), bytes(4, operator));
}

function weights(name: string, dimensions: readonly number[], values: readonly number[]): Buffer {
  return message(
    5,
    ...dimensions.map((dimension) => number(1, dimension)),
    number(2, FLOAT),
    bytes(8, name),
    bytes(9, Buffer.from(Float32Array.from(values).buffer)),
  );
}

/** `field` 11 is an input of the graph, 12 an output; a dimension that is text may have any size. */
function edge(field: 11 | 12, name: string, type: number, dimensions: readonly (number | string)[]): Buffer {
  const shape = dimensions.map((dimension) =>
    message(1, typeof dimension === 'number' ? number(1, dimension) : bytes(2, dimension)),
  );
  return message(field, bytes(1, name), message(2, message(1, number(1, type), message(2, ...shape))));
}

function model(...graph: readonly Buffer[]): Buffer {
  return Buffer.concat([
    number(1, IR_VERSION),
    message(7, bytes(2, 'test'), ...graph),
    message(8, number(2, OPSET)),
  ]);
}

/** y = x·W + b, for rows of three numbers: W is [[1, 2], [3, 4], [5, 6]], b is [0.5, -0.5]. */
export function linearOnnx(): Buffer {
  return model(
    node('MatMul', ['x', 'W'], 'xW'),
    node('Add', ['xW', 'b'], 'y'),
    weights('W', [3, 2], [1, 2, 3, 4, 5, 6]),
    weights('b', [2], [0.5, -0.5]),
    edge(11, 'x', FLOAT, ['rows', 3]),
    edge(12, 'y', FLOAT, ['rows', 2]),
  );
}

/** The vectors of four tokens, of two numbers each, as a sentence model tells them before they are pooled. */
export function embeddingOnnx(): Buffer {
  return model(
    node('Gather', ['table', 'input_ids'], 'last_hidden_state'),
    weights('table', [4, 2], [0, 1, 2, 3, 4, 5, 6, 7]),
    edge(11, 'input_ids', INT64, ['batch', 'tokens']),
    edge(11, 'attention_mask', INT64, ['batch', 'tokens']),
    edge(12, 'last_hidden_state', FLOAT, ['batch', 'tokens', 2]),
  );
}
