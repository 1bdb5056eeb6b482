// Owns the thread that holds the model: ONNX Runtime's calls block the thread they are made on, so they are made here,
// and the host goes on answering. Loads `onnxruntime-node` only here, since it is not installed with the reporter.

import { parentPort, workerData } from 'node:worker_threads';
import * as v from 'valibot';
import type { Tensor } from 'onnxruntime-node';
import { codeOf, messageOf } from '../errors.ts';
import { RUNTIME_MISSING } from './runtime-package.ts';
import type { HostTensor, HostTensors } from './tensors.ts';

export type ModelInput = { name: string; type: string; rank: number };
export type ModelShape = { inputs: readonly ModelInput[]; outputs: readonly string[] };

export type Job = { id: number; inputs: HostTensors };
export type News =
  | { kind: 'loaded'; shape: ModelShape }
  | { kind: 'failed'; message: string }
  | { kind: 'done'; id: number; outputs: HostTensors }
  | { kind: 'refused'; id: number; message: string };

const SettingsSchema = v.object({ model: v.string(), threads: v.optional(v.number()) });

/** To be called in a worker thread, once. */
export async function serveModel(): Promise<void> {
  const port = parentPort;
  if (port === null) throw new Error('serveModel runs in a worker thread');
  const tell = (news: News): void => port.postMessage(news);
  try {
    const { model, threads } = v.parse(SettingsSchema, workerData);
    const ort = await import('onnxruntime-node');
    const session = await ort.InferenceSession.create(model, {
      ...(threads !== undefined && { intraOpNumThreads: threads }),
    });
    const inputs = session.inputMetadata.map((input) =>
      input.isTensor
        ? { name: input.name, type: input.type, rank: input.shape.length }
        : { name: input.name, type: 'no tensor', rank: 0 },
    );
    port.on('message', ({ id, inputs: feeds }: Job) => {
      run(session, ort.Tensor, feeds).then(
        (outputs) => tell({ kind: 'done', id, outputs }),
        (error: unknown) => tell({ kind: 'refused', id, message: messageOf(error) }),
      );
    });
    tell({ kind: 'loaded', shape: { inputs, outputs: session.outputNames } });
  } catch (error) {
    tell({ kind: 'failed', message: whyNotLoaded(error) });
  }
}

function whyNotLoaded(error: unknown): string {
  const code = codeOf(error);
  if (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') return RUNTIME_MISSING;
  return `the model could not be loaded: ${messageOf(error)}`;
}

type Session = Awaited<ReturnType<(typeof import('onnxruntime-node'))['InferenceSession']['create']>>;

async function run(session: Session, TensorClass: typeof Tensor, feeds: HostTensors): Promise<HostTensors> {
  const tensors = Object.fromEntries(
    Object.entries(feeds).map(([name, tensor]) => [name, toTensor(TensorClass, tensor)]),
  );
  const results = await session.run(tensors);
  return Object.fromEntries(
    Object.entries(results).map(([name, tensor]) => [name, fromTensor(name, tensor)]),
  );
}

function toTensor(TensorClass: typeof Tensor, { type, dims, data }: HostTensor): Tensor {
  // The class has an overload for each type; ONNX Runtime checks the pair itself.
  return Reflect.construct(TensorClass, [type, data, dims]);
}

function fromTensor(name: string, value: unknown): HostTensor {
  const { type, dims, data } = v.parse(ResultSchema, value, { abortEarly: true });
  if (type === 'float16') throw new Error(`output ${name} is float16, which is not supported here`);
  return { type, dims, data };
}

const ResultSchema = v.object({
  type: v.string(),
  dims: v.array(v.number()),
  data: v.custom<HostTensor['data']>((data) => Array.isArray(data) || ArrayBuffer.isView(data)),
});
