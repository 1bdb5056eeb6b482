// What happens to a command between the wire and the supervisor, with a real journal on a real disk.

import { describe, expect, onTestFinished, test } from 'vitest';
import * as v from 'valibot';
import { CommandErrorSchema, type Command, type CommandCancel } from '../../contract/command.ts';
import type { Outcome } from '../../reporter/supervisor/state.ts';
import { CommandIntake, type Progress } from '../../reporter/uplink/command-intake.ts';
import { CommandJournal } from '../../reporter/uplink/journal.ts';
import type { Act } from '../../contract/command.ts';
import { signedCancel, signedCommand } from '../support/commands.ts';
import { eventually } from '../support/eventually.ts';
import { RecordedLog } from '../support/recorded-log.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const NODE = 'gpu-01';
const KEY = Buffer.alloc(32, 7).toString('base64url');
const READY: Outcome = { ok: true, result: { state: 'ready', pid: 1 } };

/** A supervisor that does as it is told when it is told, and counts. */
class Bench {
  readonly carriedOut: { id: string; runtime: string; command: Act }[] = [];
  readonly reported: Progress[] = [];
  readonly log = new RecordedLog();
  readonly journal: CommandJournal;
  readonly intake: CommandIntake;
  /** How a command ends. */
  carry: () => Promise<Outcome> = async () => READY;
  hubAheadMs = 0;

  private constructor(journal: CommandJournal) {
    this.journal = journal;
    this.intake = new CommandIntake({
      node: NODE,
      commandKey: KEY,
      journal,
      supervisor: {
        carryOut: async (id, runtime, command) => {
          this.carriedOut.push({ id, runtime, command });
          return this.carry();
        },
      },
      log: this.log,
      hubNowMs: () => Date.now() + this.hubAheadMs,
      report: (progress) => this.reported.push(progress),
    });
  }

  static async on(folder: string): Promise<Bench> {
    const journal = await CommandJournal.open(folder, Date.now());
    onTestFinished(() => journal.close());
    return new Bench(journal);
  }

  get outcomes(): Outcome[] {
    return this.reported.flatMap((progress) => (progress.kind === 'done' ? [progress.outcome] : []));
  }
}

const bench = async (): Promise<Bench> => Bench.on(await temporaryFolder());
const cancellation = (id: string, key = KEY): CommandCancel => signedCancel(NODE, key, id);
const command = (change: Partial<Command> = {}): Command => signedCommand(NODE, KEY, change);
const ago = (ageMs: number): string => new Date(Date.now() - ageMs).toISOString();

test('a command is received, carried out, and its outcome told', async () => {
  const b = await bench();
  const taken = command({ args: { restart: false, preset: 'long' } });
  await b.intake.take(taken);

  expect(b.carriedOut).toEqual([
    {
      id: taken.id,
      runtime: 'llama.70b',
      command: { kind: 'restore', args: { restart: false, preset: 'long' } },
    },
  ]);
  expect(b.reported).toEqual([
    { kind: 'received', id: taken.id },
    { kind: 'done', id: taken.id, outcome: READY },
  ]);
});

test.each(['start', 'shutdown'] as const)('%s is carried out as what it is', async (kind) => {
  const b = await bench();
  await b.intake.take(command({ kind }));
  expect(b.carriedOut).toMatchObject([{ command: { kind } }]);
});

test('the same command many times at once is carried out once, and each time told as received', async () => {
  const b = await bench();
  const { promise, resolve: finish } = Promise.withResolvers<Outcome>();
  b.carry = () => promise;
  const taken = command();
  const first = b.intake.take(taken);
  await Promise.all(
    Array.from({ length: 50 }, (_, index) => b.intake.take({ ...taken, attempt: index + 2 })),
  );
  expect(b.reported).toEqual(Array.from({ length: 51 }, () => ({ kind: 'received', id: taken.id })));
  finish(READY);
  await first;
  await b.intake.take(taken);

  expect(b.carriedOut).toHaveLength(1);
  expect(b.outcomes).toEqual([READY, READY]);
});

test('sent again after a restart of the reporter it is answered from the journal', async () => {
  const folder = await temporaryFolder();
  const taken = command();
  await (await Bench.on(folder)).intake.take(taken);
  const after = await Bench.on(folder);
  await after.intake.take(taken);
  expect(after.carriedOut).toEqual([]);
  expect(after.outcomes).toEqual([READY]);
});

test('cut short by a restart of the reporter it is not repeated, and told as interrupted', async () => {
  const folder = await temporaryFolder();
  const before = await Bench.on(folder);
  before.carry = () => new Promise(() => undefined);
  const taken = command();
  void before.intake.take(taken);
  await eventually('it is being carried out', () => before.carriedOut.length === 1);

  const after = await Bench.on(folder);
  await after.intake.take(taken);
  expect(after.carriedOut).toEqual([]);
  expect(after.outcomes).toMatchObject([{ ok: false, error: { reason: 'interrupted' } }]);
});

test('an expired command is refused by the clock of the hub', async () => {
  const b = await bench();
  b.hubAheadMs = 3_600_000;
  const late = command({ id: 'late' });
  await b.intake.take(late);
  b.hubAheadMs = -3_600_000;
  await b.intake.take(command({ id: 'in-time', expires_at: new Date(Date.now() - 1_000).toISOString() }));

  expect(b.outcomes).toMatchObject([
    {
      ok: false,
      error: { reason: 'expired', message: `The command expired at ${late.expires_at}; nothing was done` },
    },
    { ok: true },
  ]);
  expect(b.carriedOut.map(({ id }) => id)).toEqual(['in-time']);
});

test('what the journal may have forgotten is not taken again under a forged time of the hub', async () => {
  const b = await bench();
  const dayMs = 86_400_000;
  b.hubAheadMs = -3 * dayMs;
  await b.intake.take(
    command({ id: 'old', issued_at: ago(3 * dayMs), expires_at: ago(3 * dayMs - 600_000) }),
  );
  // The clocks of a host and of its hub may differ.
  await b.intake.take(
    command({ id: 'new', issued_at: ago(dayMs - 60_000), expires_at: ago(dayMs - 660_000) }),
  );
  expect(b.carriedOut.map(({ id }) => id)).toEqual(['new']);
  expect(b.outcomes[0]).toMatchObject({ ok: false, error: { reason: 'expired' } });
});

test('a command that expires while it is asked for again is still answered from the journal', async () => {
  const b = await bench();
  const taken = command();
  await b.intake.take(taken);
  b.hubAheadMs = 3_600_000;
  await b.intake.take(taken);
  expect(b.outcomes).toEqual([READY, READY]);
});

test('a command with a wrong signature does nothing, is told, and does not answer for the true one', async () => {
  const b = await bench();
  const taken = command();
  await b.intake.take({ ...taken, kind: 'shutdown' });
  expect(b.carriedOut).toEqual([]);
  expect(b.outcomes).toMatchObject([{ ok: false, error: { reason: 'bad-signature' } }]);
  expect(b.log.text()).toContain('not signed');

  await b.intake.take(taken);
  expect(b.carriedOut).toHaveLength(1);
  expect(b.outcomes.at(-1)).toEqual(READY);
});

test('a kind of a newer hub is refused with what to do', async () => {
  const b = await bench();
  await b.intake.take(command({ kind: 'teleport' }));
  expect(b.carriedOut).toEqual([]);
  expect(b.outcomes).toEqual([
    {
      ok: false,
      error: { reason: 'unknown-kind', message: 'This reporter does not know "teleport"; upgrade it' },
    },
  ]);
});

test('arguments that nobody knows are refused, not ignored', async () => {
  const b = await bench();
  await b.intake.take(command({ args: { restart: true, gently: true } }));
  expect(b.carriedOut).toEqual([]);
  expect(b.outcomes).toMatchObject([{ ok: false, error: { reason: 'bad-arguments' } }]);
});

test('where the journal cannot be written nothing is done', async () => {
  const b = await bench();
  await b.journal.close();
  await b.intake.take(command());
  expect(b.carriedOut).toEqual([]);
  expect(b.outcomes).toMatchObject([{ ok: false, error: { reason: 'journal-unwritable' } }]);
  expect(b.log.text()).toContain('nothing was done');
});

test('where the outcome cannot be written it is told nevertheless', async () => {
  const b = await bench();
  b.carry = async () => {
    await b.journal.close();
    return READY;
  };
  await b.intake.take(command());
  expect(b.carriedOut).toHaveLength(1);
  expect(b.outcomes).toEqual([READY]);
  expect(b.log.text()).toContain('cannot be written');
});

test('a very long reason is cut to a line that the hub takes, also after a restart', async () => {
  const folder = await temporaryFolder();
  const b = await Bench.on(folder);
  const message = `Model file /${'x/'.repeat(300)} is missing`;
  b.carry = async () => ({ ok: false, error: { reason: 'blocked', message } });
  const taken = command();
  await b.intake.take(taken);
  const after = await Bench.on(folder);
  await after.intake.take(taken);

  for (const outcome of [...b.outcomes, ...after.outcomes]) {
    expect(outcome).toMatchObject({ ok: false, error: { reason: 'blocked' } });
    expect(v.is(v.object({ ok: v.literal(false), error: CommandErrorSchema }), outcome)).toBe(true);
  }
  expect(b.outcomes).toHaveLength(1);
  expect(after.outcomes).toHaveLength(1);
});

describe('a cancellation', () => {
  const CANCELLED = {
    ok: false,
    error: { reason: 'cancelled', message: expect.stringContaining('nothing') },
  };

  test('keeps a command that has not come yet from beginning, also after a restart', async () => {
    const folder = await temporaryFolder();
    const first = await Bench.on(folder);
    const { id } = command();
    await first.intake.cancel(cancellation(id));
    expect(first.reported).toEqual([{ kind: 'done', id, outcome: CANCELLED }]);

    const second = await Bench.on(folder);
    await second.intake.take(command());
    expect(second.carriedOut).toEqual([]);
    expect(second.outcomes).toEqual([CANCELLED]);
    await second.intake.cancel(cancellation(id));
    expect(second.outcomes).toEqual([CANCELLED, CANCELLED]);
  });

  test('of what has begun says so, and the end is told', async () => {
    const made = await bench();
    const { id } = command();
    const ending = Promise.withResolvers<Outcome>();
    made.carry = () => ending.promise;
    const taken = made.intake.take(command());
    await eventually('it is carried out', () => made.carriedOut.length > 0);
    await made.intake.cancel(cancellation(id));
    expect(made.reported).toEqual([
      { kind: 'received', id },
      { kind: 'received', id },
    ]);
    ending.resolve(READY);
    await taken;
    await made.intake.cancel(cancellation(id));
    expect(made.outcomes).toEqual([READY, READY]);
    expect(made.carriedOut).toHaveLength(1);
  });

  test('that the hub has not signed is not heard', async () => {
    const made = await bench();
    const { id } = command();
    const { signature: _, ...unsigned } = cancellation(id);
    await made.intake.cancel(unsigned);
    await made.intake.cancel(cancellation(id, Buffer.alloc(32, 8).toString('base64url')));
    await made.intake.cancel({ ...cancellation(id), id: `${NODE}:another` });
    expect(made.reported).toEqual([]);
    expect(made.log.text()).toContain('not signed');
    await made.intake.take(command());
    expect(made.outcomes).toEqual([READY]);
  });
});
