// Owns the effects for one runtime: it feeds events to the machine and does what the machine asks for. It decides nothing.

import type { FSWatcher } from 'node:fs';
import type { RuntimeRecord } from '../../contract/runtime-record.ts';
import type { Backend } from '../backends/backend.ts';
import { routableOf, type Routable } from '../gateway/routable.ts';
import type { Log } from '../log.ts';
import { AdoptedChild, recognize } from './adopt.ts';
import { Child, type LaunchSpec, type Supervised } from './child.ts';
import { describe } from './describe.ts';
import type { RuntimeLog } from './logs.ts';
import { step } from './machine.ts';
import { describeChild, type RememberedChild, type RuntimeMemory } from './memory.ts';
import {
  initialState,
  type Effect,
  type Operation,
  type Outcome,
  type Policy,
  type RuntimeEvent,
  type RuntimeState,
  type TimerName,
} from './state.ts';
import { watchChild } from './watch.ts';
import { messageOf } from '../errors.ts';

const LAST_LINES = 30;
/** A talkative server writes some MB an hour. */
const BOUND_LOG_EVERY_MS = 60_000;

export type RuntimeLoopOptions = {
  backend: Backend;
  policy: Policy;
  output: RuntimeLog;
  memory: RuntimeMemory;
  log: Log;
  /** Something changed that a reader of the matrix should see now, not at the next report. */
  onMaterialChange: () => void;
};

export class RuntimeLoop {
  readonly backend: Backend;
  readonly #options: RuntimeLoopOptions;
  #state: RuntimeState;
  #updatedAtMs = Date.now();
  #child: Supervised | undefined;
  #remembered: RememberedChild | undefined;
  #released = false;
  readonly #timers = new Map<TimerName, NodeJS.Timeout>();
  readonly #outcomes = new Map<string, (outcome: Outcome) => void>();

  constructor(options: RuntimeLoopOptions) {
    this.backend = options.backend;
    this.#options = options;
    const { memory, damaged } = options.memory.load();
    if (damaged) {
      options.log.warn(
        `${options.memory.path} is damaged: earlier restarts and a running child are not known`,
      );
    }
    this.#state = initialState({ spent: memory.spent_at_ms, restartsTotal: memory.restarts_total });
    this.#remembered = memory.child;
  }

  /** Takes over the child of an earlier reporter where it is still what it was; resolves when that is decided. */
  async adopt(): Promise<void> {
    const remembered = this.#remembered;
    if (remembered === undefined) return;
    const { backend, log } = this.#options;
    const { id } = backend.descriptor;
    const recognition = await recognize(remembered, backend.launchSpec(remembered.preset));
    if (recognition.kind !== 'ours') {
      if (recognition.kind === 'different') {
        log.warn(
          `${id}: process ${remembered.pid} of an earlier reporter is left alone: ${recognition.reason}`,
        );
      }
      this.#remembered = undefined;
      return this.#remember();
    }
    log.info(`${id}: adopted process ${remembered.pid}, which an earlier reporter started`);
    backend.reset(remembered.preset);
    const child = new AdoptedChild(remembered);
    this.#child = child;
    const { pid, started_at_ms: startedAtMs, preset } = remembered;
    this.#post({ kind: 'adopted', pid, startedAtMs, preset });
    void this.#awaitExit(child, this.#state.launch, remembered.log_start_bytes);
  }

  /** Lets go of the child without ending it; nothing is started any more. */
  release(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
    this.#released = true;
  }

  /** Posts an operation and resolves with its outcome, however long that takes. */
  operate(event: Extract<RuntimeEvent, { operation: Operation }>): Promise<Outcome> {
    return new Promise((resolve) => {
      this.#outcomes.set(event.operation.id, resolve);
      this.#post(event);
    });
  }

  /** The runtime as it crosses the wire, as of now. */
  record(): RuntimeRecord {
    const { descriptor } = this.backend;
    const models = this.#state.observation?.models ?? [];
    return {
      descriptor: { ...descriptor, ...(models.length > 0 && { models }) },
      status: describe(descriptor.id, this.#state, this.#updatedAtMs, Date.now(), this.#options.policy),
    };
  }

  /** The runtime as the gateway sees it: new work goes only to a child that serves. */
  routable(): Routable {
    const accepting = this.#state.phase.kind === 'serving' && !this.#released;
    return routableOf(this.record(), accepting, this.backend.endpoint());
  }

  #post(event: RuntimeEvent): void {
    const before = this.#materialPart();
    const next = step(this.#state, event, Date.now(), this.#options.policy);
    this.#state = next.state;
    this.#updatedAtMs = Date.now();
    for (const effect of next.effects) this.#run(effect);
    this.#remember();
    if (this.#materialPart() !== before) {
      const { status } = this.record();
      this.#options.log.info(`${status.id}: ${status.state_label} - ${status.summary}`);
      this.#options.onMaterialChange();
    }
  }

  #run(effect: Effect): void {
    if (this.#released) return;
    switch (effect.kind) {
      case 'launch':
        void this.#launch(effect.launch, effect.preset);
        return;
      case 'signal':
        this.#child?.signal(effect.signal);
        return;
      case 'arm-timer':
        this.#cancel(effect.timer);
        this.#timers.set(
          effect.timer,
          setTimeout(
            () => this.#post({ kind: 'timer', timer: effect.timer }),
            Math.max(0, effect.atMs - Date.now()),
          ),
        );
        return;
      case 'cancel-timer':
        return this.#cancel(effect.timer);
      case 'settle':
        this.#outcomes.get(effect.operation.id)?.(effect.outcome);
        this.#outcomes.delete(effect.operation.id);
        return;
      default:
        return effect satisfies never;
    }
  }

  async #launch(launch: number, preset: string | undefined): Promise<void> {
    const { backend, output } = this.#options;
    try {
      const faults = await backend.preflight(preset);
      if (faults.length > 0) return this.#post({ kind: 'blocked', launch, reasons: faults });
      backend.reset(preset);
      const spec = backend.launchSpec(preset);
      const { file, startBytes } = await output.open();
      let child: Child;
      try {
        child = await Child.spawn(spec, file.fd);
      } finally {
        // A child has its own copy of the descriptor from the spawn on.
        await file.close();
      }
      this.#child = child;
      await this.#noteChild(child, spec, startBytes, preset);
      this.#post({ kind: 'spawned', launch, pid: child.pid });
      void this.#awaitExit(child, launch, startBytes);
    } catch (error) {
      this.#post({ kind: 'blocked', launch, reasons: [`Cannot be launched: ${messageOf(error)}`] });
    }
  }

  async #awaitExit(child: Supervised, launch: number, startBytes: number): Promise<void> {
    const { backend, output } = this.#options;
    const gone = new AbortController();
    void watchChild({
      observe: (signal) => backend.observe(signal),
      onObserved: (observation) => {
        this.#post({ kind: 'observed', launch, observation });
        return this.#state.phase;
      },
      onGrowth: (callback) => this.#watchGrowth(callback),
      gone: gone.signal,
    });
    const bounding = setInterval(() => void this.#boundLog(), BOUND_LOG_EVERY_MS);
    const exit = await child.exited;
    clearInterval(bounding);
    gone.abort();
    if (this.#child === child) {
      this.#child = undefined;
      this.#remembered = undefined;
    }
    let lastLines: string[] = [];
    try {
      lastLines = await output.tail(startBytes, LAST_LINES);
    } catch (error) {
      this.#options.log.warn(`${backend.descriptor.id}: its log cannot be read: ${messageOf(error)}`);
    }
    const reason = backend.explainExit(exit, lastLines);
    this.#post({ kind: 'exited', launch, exit, reason, jitter: Math.random() });
  }

  async #boundLog(): Promise<void> {
    try {
      await this.#options.output.bound();
    } catch (error) {
      this.#options.log.warn(
        `${this.backend.descriptor.id}: its log cannot be kept small: ${messageOf(error)}`,
      );
    }
  }

  #watchGrowth(callback: () => void): FSWatcher | undefined {
    try {
      const watcher = this.#options.output.onGrowth(callback);
      watcher.on('error', () => watcher.close());
      return watcher;
    } catch (error) {
      // Out of inotify watches: the polling finds the same, a moment later.
      this.#options.log.warn(`${this.backend.descriptor.id}: its log is not watched: ${messageOf(error)}`);
      return undefined;
    }
  }

  /** What a reader must see at once when it changes; running seconds and load are not part of it. */
  #materialPart(): string {
    const { descriptor, status } = this.record();
    const models = (descriptor.models ?? []).map((model) => [model.id, model.state]);
    const { used, max_restarts } = status.restart_budget ?? {};
    return JSON.stringify([
      status.state,
      status.severity,
      status.pid,
      used,
      max_restarts,
      models,
      this.#state.phase.kind,
    ]);
  }

  /** Never throws: the child lives already, and what happens to it must not hang on what is remembered of it. */
  async #noteChild(
    child: Child,
    spec: LaunchSpec,
    startBytes: number,
    preset: string | undefined,
  ): Promise<void> {
    try {
      this.#remembered = await describeChild(child.pid, spec, startBytes, preset);
    } catch (error) {
      this.#options.log.warn(`Process ${child.pid} cannot be adopted later: ${messageOf(error)}`);
    }
  }

  #remember(): void {
    const { spent, restartsTotal } = this.#state;
    const child = this.#remembered;
    try {
      this.#options.memory.save({
        spent_at_ms: [...spent],
        restarts_total: restartsTotal,
        ...(child && { child }),
      });
    } catch (error) {
      // Supervision goes on; only a later reporter would not know what this one did.
      this.#options.log.error(`${this.#options.memory.path} cannot be written: ${messageOf(error)}`);
    }
  }

  #cancel(timer: TimerName): void {
    clearTimeout(this.#timers.get(timer));
    this.#timers.delete(timer);
  }
}
