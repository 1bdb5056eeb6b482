// Owns a simulated fleet for a bench: a process of its own, so that what it costs is no part of what is measured.

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import * as v from 'valibot';
import type { RuntimeState } from '../../../contract/words.ts';
import {
  ChangedSchema,
  FloodedSchema,
  ToldSchema,
  type Changed,
  type Flooded,
  type Order,
} from './orders.ts';
import type { Command, FleetWanted, Way } from './simulated-fleet.ts';

const PROGRAM = fileURLToPath(new URL('./fleet-process.ts', import.meta.url));

type Waiting = { resolve: (value: unknown) => void; reject: (error: Error) => void };

export class Fleet {
  readonly #child = fork(PROGRAM, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  readonly #waiting: Waiting[] = [];
  readonly #onCommand: (command: Command) => void;

  private constructor(onCommand: (command: Command) => void) {
    this.#onCommand = onCommand;
    this.#child.on('message', (message) => this.#take(message));
    this.#child.on('exit', (code) => {
      for (const { reject } of this.#waiting.splice(0))
        reject(new Error(`the simulated fleet ended with ${code}; its last words are above`));
    });
  }

  /** Resolves once every node is enrolled, linked, and has told its first snapshot. */
  static async start(
    wanted: FleetWanted,
    onCommand: (command: Command) => void = () => undefined,
  ): Promise<Fleet> {
    const fleet = new Fleet(onCommand);
    try {
      await fleet.#order({ order: 'start', wanted });
      return fleet;
    } catch (error) {
      await fleet.stop();
      throw error;
    }
  }

  /** Every node reports once in the interval, evenly spread; undefined ends it. */
  async report(intervalMs: number | undefined): Promise<void> {
    await this.#order({ order: 'report', intervalMs: intervalMs ?? null });
  }

  /** All nodes of the way report as fast as the hub takes it; only what it said that it took is counted. */
  async flood(way: Way, seconds: number): Promise<Flooded> {
    return v.parse(FloodedSchema, await this.#order({ order: 'flood', way, seconds }));
  }

  /** Changes the first runtime of a node that holds a socket; times are those of `sharedNowMs`. */
  async change(index: number, state: RuntimeState): Promise<Changed> {
    return v.parse(ChangedSchema, await this.#order({ order: 'change', index, state }));
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }

  #order(order: Order): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#child.send(order);
    });
  }

  #take(message: unknown): void {
    const told = v.parse(ToldSchema, message);
    if (told.told === 'command') return this.#onCommand(told.command);
    const waiting = this.#waiting.shift();
    if (told.told === 'done') waiting?.resolve(told.value);
    else waiting?.reject(new Error(told.reason));
  }
}
