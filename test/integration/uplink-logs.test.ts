// Logs on the uplink: a real file over a real socket, to whoever the hub has signed for, and to nobody for long.

import { appendFile } from 'node:fs/promises';
import { expect, onTestFinished, test } from 'vitest';
import type { Command } from '../../contract/command.ts';
import { LOG_READERS_PER_RUNTIME } from '../../contract/logs.ts';
import { redactor } from '../../reporter/logs/redaction.ts';
import { RuntimeLog } from '../../reporter/supervisor/logs.ts';
import { LogRelay } from '../../reporter/uplink/log-relay.ts';
import { signedCommand } from '../support/commands.ts';
import { eventually } from '../support/eventually.ts';
import { COMMAND_KEY, FakeHub } from '../support/fake-hub.ts';
import { NODE, Reporting } from '../support/reporting.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const RUNTIME = 'llama.70b';

type Host = { hub: FakeHub; log: RuntimeLog; ended: () => number };

/** A host whose runtime has written `text`, linked to a hub. */
async function hostWith(text: string): Promise<Host> {
  const hub = await FakeHub.start();
  const reporting = new Reporting(hub.url);
  const log = new RuntimeLog(await temporaryFolder(), RUNTIME, () => redactor(['s3cret-value']));
  const { file } = await log.open();
  await file.writeFile(text);
  await file.close();
  const relay = new LogRelay({
    node: NODE,
    commandKey: COMMAND_KEY,
    source: (runtime) => (runtime === RUNTIME ? log : undefined),
    room: () => reporting.uplink.room(),
    send: (frame) => reporting.uplink.sendLive(frame),
    log: reporting.log,
    hubNowMs: () => reporting.uplink.hubNowMs(),
    nowMs: Date.now,
  });
  let ended = 0;
  reporting.onCommand = (command) => void relay.take(command).then(() => (ended += 1));
  reporting.onCancel = ({ id }) => relay.cancel(id);
  onTestFinished(() => relay.stop());
  await reporting.accepted();
  return { hub, log, ended: () => ended };
}

let asked = 0;

function wish(args: object, change: Partial<Command> = {}): Command {
  const id = `${NODE}:logs-${(asked += 1)}`;
  return signedCommand(NODE, COMMAND_KEY, {
    id,
    kind: 'logs',
    runtime: RUNTIME,
    args: { ...args },
    ...change,
  });
}

async function linesOf(hub: FakeHub, count: number): Promise<string[]> {
  const lines = (): string[] =>
    hub.frames.flatMap((frame) => (frame.type === 'log.chunk' ? frame.lines : []));
  return eventually(`${count} lines`, () => lines().length >= count && lines());
}

test('a tail: lines, then the end, and no acknowledgement that a queue would wait for', async () => {
  const { hub } = await hostWith('one\nkey s3cret-value\nthree\n');
  const command = wish({ tail: 2, follow: false });
  hub.send(command);
  await hub.framesOf('command.done');
  expect(hub.frames.slice(-2)).toEqual([
    { type: 'log.chunk', id: command.id, seq: 0, lines: ['key [redacted]', 'three'] },
    { type: 'command.done', id: command.id, ok: true, result: {} },
  ]);
  expect(hub.frames.filter(({ type }) => type === 'command.received')).toEqual([]);
});

test('a follow: what is written from then on, also after the file made room, until it is cancelled', async () => {
  const { hub, log, ended } = await hostWith('one\n');
  const command = wish({ tail: 1, follow: true });
  hub.send(command);
  expect(await linesOf(hub, 1)).toEqual(['one']);
  // More than the file may hold: it is copied away and emptied while it is followed.
  await appendFile(log.path, `${'x'.repeat(1023)}\n`.repeat(8 * 1024));
  await appendFile(log.path, 'two\n');
  await log.bound();
  await appendFile(log.path, 'three\n');
  const lines = await eventually('the last line', async () => {
    const found = await linesOf(hub, 1);
    return found.at(-1) === 'three' && found;
  });
  expect(lines.slice(-2)).toEqual(['two', 'three']);

  hub.send({ type: 'command.cancel', id: command.id });
  await eventually('the reading has ended', () => ended() === 1);
  expect(hub.frames.filter(({ type }) => type === 'command.done')).toEqual([]);
});

test('the same wish sent twice is one reading', async () => {
  const { hub, ended } = await hostWith('one\n');
  const command = wish({ tail: 1, follow: true });
  hub.send(command);
  hub.send({ ...command, attempt: 2 });
  await eventually('the second is done with', () => ended() === 1);
  expect(await linesOf(hub, 1)).toEqual(['one']);
});

test('a broken line ends the reading, and the next line does not take it up', async () => {
  const { hub, log, ended } = await hostWith('one\n');
  hub.send(wish({ tail: 1, follow: true }));
  await linesOf(hub, 1);
  hub.refuseUplink = { status: 503 };
  hub.drop();
  await eventually('the reading has ended', () => ended() === 1);
  hub.refuseUplink = undefined;
  await appendFile(log.path, 'two\n');
  await hub.heard(2);
  expect(await linesOf(hub, 1)).toEqual(['one']);
});

const REFUSED: [string, () => object, string][] = [
  ['not signed', () => ({ ...wish({ tail: 1, follow: false }), signature: 'AAAA' }), 'bad-signature'],
  ['of another runtime', () => wish({ tail: 1, follow: false }, { runtime: 'other' }), 'unknown-runtime'],
  ['with no such tail', () => wish({ tail: 1001, follow: false }), 'bad-arguments'],
  [
    'expired',
    // The hub's time is known but for what its welcome took.
    () => wish({ tail: 1, follow: false }, { expires_at: new Date(Date.now() - 60_000).toISOString() }),
    'expired',
  ],
];
test.each(REFUSED)('a wish that is %s is refused without a line', async (_what, made, reason) => {
  const { hub } = await hostWith('one\n');
  hub.send(made());
  const [done] = await hub.framesOf('command.done');
  expect(done).toMatchObject({ ok: false, error: { reason } });
  expect(hub.frames.filter(({ type }) => type === 'log.chunk')).toEqual([]);
});

test('too many readings at once are refused', async () => {
  const { hub } = await hostWith('one\n');
  for (let index = 0; index < LOG_READERS_PER_RUNTIME; index += 1) hub.send(wish({ tail: 1, follow: true }));
  hub.send(wish({ tail: 1, follow: false }));
  const [done] = await hub.framesOf('command.done');
  expect(done).toMatchObject({ ok: false, error: { reason: 'too-many-readers' } });
});
