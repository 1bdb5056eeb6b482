/**
 * Owns the stub's slots and its queue. One loop decodes a token for every busy slot at a time, as
 * llama-server's does, so slots and counters move together, as they do there. No HTTP.
 */
import { Counters } from './counters.ts';

export interface GenerationRequest {
  promptTokens: number;
  /** -1: until the text ends. */
  maxTokens: number;
  ignoresEnd: boolean;
  streams: boolean;
  isChat: boolean;
}

export interface GenerationResult {
  finishReason: 'stop' | 'length';
  predictedTokens: number;
  promptMs: number;
  predictedMs: number;
}

export interface GenerationListener {
  token(text: string): void;
  done(result: GenerationResult): void;
}

export interface Task {
  readonly id: number;
  readonly request: GenerationRequest;
  readonly listener: GenerationListener;
  startedAtMs: number;
  decodedTokens: number;
}

export interface Slot {
  readonly id: number;
  task: Task | undefined;
  /** What it worked on last; llama-server goes on showing its parameters. */
  lastTask: Task | undefined;
}

const WORDS = 'the stub engine gives every prompt this same answer and computes nothing at all'.split(' ');
const PROMPT_MS_PER_TOKEN = 0.1;

export class Decoder {
  readonly slots: Slot[];
  readonly queue: Task[] = [];
  readonly counters = new Counters();
  private readonly options: { contextTokens: number; tokensPerSecond: number; stallsDecode: boolean };
  private nextTaskId = 0;
  private running = false;
  private nextStepAtMs = 0;

  constructor(options: {
    slotCount: number;
    contextTokens: number;
    tokensPerSecond: number;
    stallsDecode: boolean;
  }) {
    this.options = options;
    this.slots = Array.from({ length: options.slotCount }, (_, id) => ({
      id,
      task: undefined,
      lastTask: undefined,
    }));
  }

  get busySlots(): number {
    return this.slots.filter((slot) => slot.task).length;
  }

  /** Starts a generation, or queues it behind the busy slots. */
  submit(request: GenerationRequest, listener: GenerationListener): Task {
    const task: Task = { id: this.nextTaskId, request, listener, startedAtMs: 0, decodedTokens: 0 };
    this.nextTaskId += 1;
    this.queue.push(task);
    this.fillSlots();
    return task;
  }

  /** The client went away. A stalled slot stays busy all the same: that is what being wedged looks like. */
  cancel(task: Task): void {
    const queued = this.queue.indexOf(task);
    if (queued >= 0) this.queue.splice(queued, 1);
    const slot = this.slots.find((candidate) => candidate.task === task);
    if (slot && !this.options.stallsDecode) this.release(slot);
  }

  private fillSlots(): void {
    for (const slot of this.slots) {
      if (slot.task) continue;
      const task = this.queue.shift();
      if (!task) break;
      slot.task = task;
      task.startedAtMs = performance.now();
      const { promptTokens } = task.request;
      this.counters.promptRead(promptTokens, promptTokens * PROMPT_MS_PER_TOKEN);
    }
    if (this.running || this.options.stallsDecode || this.busySlots === 0) return;
    this.running = true;
    this.nextStepAtMs = performance.now();
    this.scheduleStep();
  }

  private scheduleStep(): void {
    const { tokensPerSecond } = this.options;
    if (tokensPerSecond === 0) {
      setImmediate(() => this.step());
      return;
    }
    // Counted from the last due time, not from now, so that late timers do not add up.
    this.nextStepAtMs += 1000 / tokensPerSecond;
    const delayMs = this.nextStepAtMs - performance.now();
    if (delayMs > 0) setTimeout(() => this.step(), delayMs);
    else setImmediate(() => this.step());
  }

  private step(): void {
    const busy = this.slots.filter((slot) => slot.task);
    if (busy.length > 0) this.counters.decoded(busy.length);
    for (const slot of busy) this.decodeOne(slot);
    this.running = this.busySlots > 0;
    if (this.running) this.scheduleStep();
  }

  private decodeOne(slot: Slot): void {
    const { task } = slot;
    if (!task) return;
    const { request } = task;
    task.listener.token(` ${WORDS[task.decodedTokens % WORDS.length]}`);
    task.decodedTokens += 1;
    const room = this.options.contextTokens - request.promptTokens - task.decodedTokens;
    const ended = !request.ignoresEnd && task.decodedTokens === WORDS.length;
    const atLimit = task.decodedTokens === request.maxTokens || room <= 0;
    if (!ended && !atLimit) return;
    const predictedMs = performance.now() - task.startedAtMs;
    this.counters.generationEnded(request.promptTokens, task.decodedTokens, predictedMs);
    this.release(slot);
    const promptMs = request.promptTokens * PROMPT_MS_PER_TOKEN;
    const finishReason = atLimit ? 'length' : 'stop';
    task.listener.done({ finishReason, predictedTokens: task.decodedTokens, promptMs, predictedMs });
  }

  private release(slot: Slot): void {
    slot.lastTask = slot.task;
    slot.task = undefined;
    this.fillSlots();
  }
}
