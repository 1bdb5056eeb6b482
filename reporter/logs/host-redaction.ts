// Owns what this host knows to be secret, and takes it out of the words that it sends: log lines where they are read, and
// once more the sentences of a snapshot and of a command's end, which may quote a log or a server's answer.

import type { RuntimeRecord } from '../../contract/runtime-record.ts';
import { spokenLine } from '../../contract/status.ts';
import type { RuntimeEntry } from '../manifest-schema.ts';
import type { Outcome } from '../supervisor/state.ts';
import { redactor, type Redact } from './redaction.ts';
import { secretsOf } from './secrets.ts';

export class HostRedaction {
  readonly #known = new Set<string>();
  #redact: Redact = redactor([]);

  /** What was secret once stays so: old lines are read too. */
  add(secrets: Iterable<string>): void {
    for (const secret of secrets) this.#known.add(secret);
    this.#redact = redactor(this.#known);
  }

  get redact(): Redact {
    return this.#redact;
  }

  record(record: RuntimeRecord): RuntimeRecord {
    const { status } = record;
    return {
      ...record,
      status: {
        ...status,
        summary: this.#spoken(status.summary),
        detail: status.detail.map((line) => this.#spoken(line)),
      },
    };
  }

  outcome(outcome: Outcome): Outcome {
    if (outcome.ok) return outcome;
    const { reason, message } = outcome.error;
    return { ok: false, error: { reason, message: this.#spoken(message) } };
  }

  /** The mark may be longer than what it replaces, and the wire bounds a line. */
  #spoken(line: string): string {
    const told = this.#redact(line);
    return told === line ? line : spokenLine(told);
  }
}

/** The secrets that an entry of the manifest gives to its runtime, by any of its presets. */
export function secretsOfEntry({ process, presets = {} }: RuntimeEntry): string[] {
  const ways = [process, ...Object.values(presets)];
  return ways.flatMap(({ args = [], env = {} }) => secretsOf(args, env));
}
