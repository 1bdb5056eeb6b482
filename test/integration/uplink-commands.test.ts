// Commands on the uplink: acknowledged, carried out once, and their end told, on both ways to the hub.

import { expect, onTestFinished, test } from 'vitest';
import { CommandIntake } from '../../reporter/uplink/command-intake.ts';
import { CommandJournal } from '../../reporter/uplink/journal.ts';
import { signedCancel, signedCommand } from '../support/commands.ts';
import { eventually } from '../support/eventually.ts';
import { COMMAND_KEY, FakeHub } from '../support/fake-hub.ts';
import { NODE, Reporting } from '../support/reporting.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** A real intake with a real journal behind the uplink; what would be done is counted. */
async function withIntake(reporting: Reporting, folder: string): Promise<string[]> {
  const carriedOut: string[] = [];
  const journal = await CommandJournal.open(folder, Date.now());
  onTestFinished(() => journal.close());
  const intake = new CommandIntake({
    node: NODE,
    commandKey: COMMAND_KEY,
    journal,
    supervisor: {
      carryOut: async (id) => {
        carriedOut.push(id);
        return { ok: true, result: { state: 'ready' } };
      },
    },
    log: reporting.log,
    hubNowMs: () => reporting.uplink.hubNowMs(),
    report: (progress) => reporting.uplink.report(progress),
  });
  reporting.onCommand = (command) => void intake.take(command);
  reporting.onCancel = (cancel) => void intake.cancel(cancel);
  return carriedOut;
}

test('by WebSocket: received, then done', async () => {
  const folder = await temporaryFolder();
  const hub = await FakeHub.start();
  const reporting = new Reporting(hub.url);
  const carriedOut = await withIntake(reporting, folder);
  await reporting.accepted();
  const command = signedCommand(NODE, COMMAND_KEY);
  hub.send(command);

  const [done] = await hub.framesOf('command.done');
  expect(done).toEqual({ type: 'command.done', id: command.id, ok: true, result: { state: 'ready' } });
  expect(hub.frames.slice(-2).map(({ type }) => type)).toEqual(['command.received', 'command.done']);
  expect(carriedOut).toEqual([command.id]);
});
test('sent again, also over another socket: answered again, carried out once', async () => {
  const folder = await temporaryFolder();
  const hub = await FakeHub.start();
  const reporting = new Reporting(hub.url);
  const carriedOut = await withIntake(reporting, folder);
  await reporting.accepted();
  const command = signedCommand(NODE, COMMAND_KEY);
  hub.send(command);
  hub.send({ ...command, attempt: 2 });
  await hub.framesOf('command.done');
  hub.drop();
  await hub.framesOf('hello', 2);
  await hub.heard(2);
  hub.send({ ...command, attempt: 3 });

  const done = await hub.framesOf('command.done', 2);
  expect(done.at(-1)).toEqual(done[0]);
  expect(carriedOut).toEqual([command.id]);
});
test('by POST: they come in the answer, and their progress goes by POST', async () => {
  const folder = await temporaryFolder();
  const hub = await FakeHub.start();
  hub.refuseUplink = { status: 403 };
  const reporting = new Reporting(hub.url);
  const carriedOut = await withIntake(reporting, folder);
  await reporting.accepted();
  const command = signedCommand(NODE, COMMAND_KEY, { id: `${NODE}:a b/c` });
  hub.queue.push(command);
  reporting.uplink.publishNow();
  await eventually('both words of progress', () => hub.progress.length === 2);

  expect(carriedOut).toEqual([command.id]);
  expect(hub.progress).toHaveLength(2);
  // Two requests: which one arrives first is not said.
  expect(hub.progress).toEqual(
    expect.arrayContaining([
      { id: command.id, progress: { state: 'received' } },
      { id: command.id, progress: { state: 'completed', result: { state: 'ready' } } },
    ]),
  );
});

test('cancelled before it came: it is not begun, on either way, and the hub is told', async () => {
  const folder = await temporaryFolder();
  const hub = await FakeHub.start();
  const reporting = new Reporting(hub.url);
  const carriedOut = await withIntake(reporting, folder);
  await reporting.accepted();
  const command = signedCommand(NODE, COMMAND_KEY);
  hub.send(signedCancel(NODE, COMMAND_KEY, command.id));
  const [told] = await hub.framesOf('command.done');
  expect(told).toMatchObject({ id: command.id, ok: false, error: { reason: 'cancelled' } });
  // What was on its way for longer comes now.
  hub.send(command);
  expect((await hub.framesOf('command.done', 2)).at(-1)).toEqual(told);
  expect(carriedOut).toEqual([]);
});

test('cancelled by the answer to a POST: it is not begun, and the hub is told by POST', async () => {
  const folder = await temporaryFolder();
  const hub = await FakeHub.start();
  hub.refuseUplink = { status: 403 };
  const reporting = new Reporting(hub.url);
  const carriedOut = await withIntake(reporting, folder);
  await reporting.accepted();
  const { id } = signedCommand(NODE, COMMAND_KEY);
  hub.cancels.push(signedCancel(NODE, COMMAND_KEY, id));
  reporting.uplink.publishNow();
  await eventually('the word that it was not begun', () => hub.progress.length === 1);
  expect(hub.progress).toMatchObject([{ id, progress: { state: 'failed', error: { reason: 'cancelled' } } }]);
  expect(carriedOut).toEqual([]);
});
