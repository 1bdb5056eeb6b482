// Owns the model as the host sees it: loading, ready or failed, one inference at a time and a bounded queue.

import { Worker } from 'node:worker_threads';
import type { Job, ModelShape, News } from './model-thread.ts';
import { RequestProblem } from './problem.ts';
import type { HostTensors } from './tensors.ts';

/** The thread works on one job; more than these waiting would only wait longer than their clients do. */
const WAITING_MAX = 64;

export type ModelState =
  | { kind: 'loading' }
  | { kind: 'ready'; shape: ModelShape }
  | { kind: 'failed'; message: string };

type Waiting = { resolve: (outputs: HostTensors) => void; reject: (error: Error) => void };

export type ModelOptions = {
  /** The program whose worker thread calls `serveModel`. */
  program: URL;
  model: string;
  threads: number | undefined;
  /** The model cannot be loaded, or its thread ended: nothing will be answered any more. */
  onFailed: (message: string) => void;
  onReady: () => void;
};

export class Model {
  state: ModelState = { kind: 'loading' };
  readonly #worker: Worker;
  readonly #open = new Map<number, Waiting>();
  #lastId = 0;

  constructor({ program, model, threads, onFailed, onReady }: ModelOptions) {
    this.#worker = new Worker(program, { workerData: { model, ...(threads !== undefined && { threads }) } });
    const fail = (message: string): void => {
      if (this.state.kind === 'failed') return;
      this.state = { kind: 'failed', message };
      for (const { reject } of this.#open.values()) reject(new RequestProblem('inference-failed', message));
      onFailed(message);
    };
    this.#worker.on('error', (error) => fail(`the thread of the model ended: ${error.message}`));
    this.#worker.on('exit', (code) => fail(`the thread of the model ended with code ${code}`));
    this.#worker.on('message', (news: News) => {
      if (news.kind === 'failed') return fail(news.message);
      if (news.kind === 'loaded') {
        this.state = { kind: 'ready', shape: news.shape };
        return onReady();
      }
      const waiting = this.#open.get(news.id);
      this.#open.delete(news.id);
      if (news.kind === 'done') waiting?.resolve(news.outputs);
      else waiting?.reject(new RequestProblem('inference-failed', news.message));
    });
  }

  get inflight(): number {
    return Math.min(1, this.#open.size);
  }

  get queued(): number {
    return this.#open.size - this.inflight;
  }

  /** @throws RequestProblem before the model is loaded. */
  shape(): ModelShape {
    if (this.state.kind === 'ready') return this.state.shape;
    throw new RequestProblem('model-loading', 'Ask again when /health answers 200');
  }

  /** @throws RequestProblem where the queue is full, the inputs are not the model's, or the model refuses them. */
  run(inputs: HostTensors): Promise<HostTensors> {
    checkNames(inputs, this.shape());
    if (this.#open.size > WAITING_MAX) {
      throw new RequestProblem('queue-full', `${WAITING_MAX} requests wait already; send fewer at a time`);
    }
    this.#lastId += 1;
    const job: Job = { id: this.#lastId, inputs };
    return new Promise((resolve, reject) => {
      this.#open.set(job.id, { resolve, reject });
      this.#worker.postMessage(job, []);
    });
  }
}

function checkNames(inputs: HostTensors, { inputs: wanted }: ModelShape): void {
  const known = wanted.map(({ name, type }) => `${name}: ${type}`).join(', ');
  for (const { name, type } of wanted) {
    const tensor = inputs[name];
    if (tensor === undefined) {
      throw new RequestProblem('malformed-body', `input "${name}" is missing (it takes ${known})`);
    }
    if (tensor.type !== type) {
      throw new RequestProblem('malformed-body', `input "${name}" is ${tensor.type} (it takes ${known})`);
    }
  }
  const strange = Object.keys(inputs).find((name) => !wanted.some((input) => input.name === name));
  if (strange !== undefined) {
    throw new RequestProblem('malformed-body', `there is no input "${strange}" (it takes ${known})`);
  }
}
