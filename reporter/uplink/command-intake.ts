// Owns what happens to a command between the wire and the supervisor: known, valid, in time, at most once.

import * as v from 'valibot';
import {
  ActSchema,
  CommandKindSchema,
  type Act,
  type Command,
  type CommandCancel,
} from '../../contract/command.ts';
import { spokenLine } from '../../contract/status.ts';
import type { Log } from '../log.ts';
import type { Supervisor } from '../supervisor/supervisor.ts';
import type { Outcome } from '../supervisor/state.ts';
import { KEEP_MS, type CommandJournal } from './journal.ts';
import { isCancelSigned, isSigned } from './signature.ts';
import { messageOf } from '../errors.ts';

/**
 * By the clock of this host, since what tells the hub's is not signed: a command that the journal may have forgotten
 * could be sent again under a forged time. Half of its memory leaves a day for clocks that differ.
 */
const OLDEST_MS = KEEP_MS / 2;

export type CommandIntakeOptions = {
  node: string;
  commandKey: string;
  journal: CommandJournal;
  supervisor: Pick<Supervisor, 'carryOut'>;
  log: Log;
  /** The hub's clock as far as it is known, in ms: expiry is the hub's word. */
  hubNowMs: () => number;
  /** Tells the hub. Lost words are harmless: the hub sends the command again, and it is answered from the journal. */
  report: (progress: Progress) => void;
};

export type Progress = { kind: 'received'; id: string } | { kind: 'done'; id: string; outcome: Outcome };

export class CommandIntake {
  readonly #options: CommandIntakeOptions;

  constructor(options: CommandIntakeOptions) {
    this.#options = options;
  }

  /** Takes a command as often as it is sent, and carries it out once. */
  async take(command: Command): Promise<void> {
    const { node, commandKey, journal, report, log, supervisor } = this.#options;
    if (!isSigned(command, node, commandKey)) {
      // Not journalled: a forged command must not answer for the true one of the same id.
      const message = 'The command is not signed by the hub that enrolled this node';
      log.error(`command ${command.id}: ${message}`);
      return report({ kind: 'done', id: command.id, outcome: refusal('bad-signature', message) });
    }
    const known = journal.find(command.id);
    report({ kind: 'received', id: command.id });
    if (known === 'begun') return;
    if (known !== undefined) return report({ kind: 'done', id: command.id, outcome: known });

    const judged = this.#judge(command);
    try {
      // Between this and `finish` the command counts as begun: a restart of the reporter will not repeat it.
      await journal.begin(command.id, Date.now());
    } catch (error) {
      const message = `The command journal cannot be written (${messageOf(error)}); nothing was done`;
      log.error(message);
      return report({ kind: 'done', id: command.id, outcome: refusal('journal-unwritable', message) });
    }
    log.info(`command ${command.id}: ${command.kind} ${command.runtime}`);
    const outcome =
      'refused' in judged
        ? judged.refused
        : spoken(await supervisor.carryOut(command.id, command.runtime, judged.accepted));
    log.info(`command ${command.id}: ${outcome.ok ? 'done' : `failed: ${outcome.error.message}`}`);
    try {
      await journal.finish(command.id, outcome, Date.now());
    } catch (error) {
      // It has happened, and memory knows it; only a restart of the reporter would call it interrupted.
      log.error(`The outcome of command ${command.id} cannot be written: ${messageOf(error)}`);
    }
    report({ kind: 'done', id: command.id, outcome });
  }

  /** Sees to it that a command which has not begun never does, and tells the hub which of both it is. */
  async cancel(cancel: CommandCancel): Promise<void> {
    const { node, commandKey, journal, report, log } = this.#options;
    const { id } = cancel;
    if (!isCancelSigned(cancel, node, commandKey)) {
      return log.error(`command ${id}: its cancellation is not signed by the hub that enrolled this node`);
    }
    const known = journal.find(id);
    if (known === 'begun') return report({ kind: 'received', id });
    if (known !== undefined) return report({ kind: 'done', id, outcome: known });
    const outcome = refusal('cancelled', 'It was cancelled before it began; nothing was done');
    try {
      await journal.finish(id, outcome, Date.now());
    } catch (error) {
      // Told to nobody: after a restart of the reporter the command could still begin. The hub asks again.
      return log.error(`The cancellation of command ${id} cannot be written: ${messageOf(error)}`);
    }
    log.info(`command ${id}: cancelled before it began`);
    report({ kind: 'done', id, outcome });
  }

  #judge(command: Command): { accepted: Act } | { refused: Outcome } {
    if (Date.parse(command.expires_at) <= this.#options.hubNowMs()) {
      return {
        refused: refusal('expired', `The command expired at ${command.expires_at}; nothing was done`),
      };
    }
    if (Date.parse(command.issued_at) + OLDEST_MS <= Date.now()) {
      const message = `The command was issued at ${command.issued_at}, a day or more before now by the clock of this host; set that clock if it is wrong, and ask again`;
      return { refused: refusal('expired', message) };
    }
    const kind = v.safeParse(CommandKindSchema, command.kind);
    if (!kind.success) {
      return {
        refused: refusal('unknown-kind', `This reporter does not know "${command.kind}"; upgrade it`),
      };
    }
    const parsed = v.safeParse(ActSchema, { kind: kind.output, args: command.args });
    if (parsed.success) return { accepted: parsed.output };
    const { path, message } = parsed.issues[0];
    const key =
      path
        ?.slice(1)
        .map((item) => String(item.key))
        .join('.') ?? '';
    return { refused: refusal('bad-arguments', key === '' ? message : `${key}: ${message}`) };
  }
}

/** The wire takes one line for a message; a longer one would cost the hub the whole outcome. */
function spoken(outcome: Outcome): Outcome {
  return outcome.ok ? outcome : refusal(outcome.error.reason, outcome.error.message);
}

function refusal(reason: string, message: string): Outcome {
  return { ok: false, error: { reason, message: spokenLine(message) } };
}
