// Owns the fallback where WebSockets are refused: the same snapshot by POST, and the commands that its answer brings.

import * as v from 'valibot';
import type { Command, CommandCancel } from '../../contract/command.ts';
import { HealthResponseSchema, type HealthResponse } from '../../contract/node-api.ts';
import { Nudge } from '../nudge.ts';
import type { Progress } from './command-intake.ts';
import { postToHub, type HubFault } from './hub-http.ts';
import { boundedIntervalMs } from './timing.ts';

export type PostSessionOptions = {
  hub: URL;
  node: string;
  token: string;
  snapshot: () => string;
  onAccepted: (answer: HealthResponse) => void;
  onCommand: (command: Command) => void;
  onCancel: (cancel: CommandCancel) => void;
  onProgressLost: (fault: HubFault) => void;
  signal: AbortSignal;
};

export class PostSession {
  readonly #options: PostSessionOptions;
  readonly #nudge = new Nudge();
  #finishing = false;

  constructor(options: PostSessionOptions) {
    this.#options = options;
  }

  /**
   * Reports until `untilMs`, when a WebSocket deserves another try (then undefined), or until a report fails.
   * @returns the fault, and whether any report was accepted before it.
   */
  async run(untilMs: number): Promise<{ accepted: boolean; fault: HubFault | undefined }> {
    const { hub, node, token, snapshot, signal } = this.#options;
    let accepted = false;
    while (!signal.aborted) {
      // Read before the snapshot is made: one that was under way when the end was asked for is not the last.
      const last = this.#finishing;
      const url = new URL(`nodes/${node}/health`, hub);
      const answer = await postToHub({ url, token, body: snapshot(), schema: HealthResponseSchema, signal });
      if (!answer.ok) return { accepted, fault: answer.fault };
      accepted = true;
      this.#options.onAccepted(answer.value);
      for (const command of answer.value.commands) this.#options.onCommand(command);
      for (const cancel of answer.value.cancels ?? []) this.#options.onCancel(cancel);
      if (last || (!this.#finishing && Date.now() >= untilMs)) break;
      await this.#nudge.wait(boundedIntervalMs(answer.value.interval_ms), signal);
    }
    return { accepted, fault: undefined };
  }

  /** Reports now instead of at the end of the interval. */
  beat(): void {
    this.#nudge.give();
  }

  /** Reports once more, now, and ends. */
  finish(): void {
    this.#finishing = true;
    this.#nudge.give();
  }

  async report(progress: Progress): Promise<void> {
    const { hub, node, token, signal } = this.#options;
    const url = new URL(`nodes/${node}/commands/${encodeURIComponent(progress.id)}`, hub);
    const body = JSON.stringify(bodyOf(progress));
    const answer = await postToHub({ url, token, body, schema: v.unknown(), signal });
    if (!answer.ok) this.#options.onProgressLost(answer.fault);
  }
}

function bodyOf(progress: Progress): object {
  if (progress.kind === 'received') return { state: 'received' };
  const { outcome } = progress;
  return outcome.ok
    ? { state: 'completed', result: outcome.result }
    : { state: 'failed', error: outcome.error };
}
