// Commands: delivered signed over both ways, told again until they are taken, and ended once.

import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { commandSigningText, type Command } from '../../contract/command.ts';
import { accepted, actingOn } from '../support/acting.ts';
import { Hub, reasonOf } from '../support/hub.ts';
import { fullBudget } from '../support/snapshot.ts';

const RUNTIME = 'llama.70b';
const RESULT = { state: 'ready', pid: 7 };
const ERROR = { reason: 'no-model', message: 'The model is missing' };

let hub: Hub;

beforeAll(async () => {
  hub = await Hub.start();
});
afterAll(async () => hub.stop());

const { act, job, jobWhere, beat, progress, enrolled, linked, settled } = actingOn(() => hub);

function isSigned(node: string, key: string, command: Command): boolean {
  const mac = createHmac('sha256', Buffer.from(key, 'base64url'));
  return mac.update(commandSigningText(node, command)).digest().toString('base64url') === command.signature;
}

describe('over a socket', () => {
  test('queued, delivered, signed, running, completed', async () => {
    const { client, command_key: key } = await linked('whole');
    const answer = await act('whole/llama.70b', 'restore', { restart: true, preset: 'long' });
    const told = await accepted(answer);
    expect(told).toMatchObject({
      ok: true,
      runtime_id: RUNTIME,
      node: 'whole',
      pending: true,
      delivered: true,
      restart_budget: fullBudget(),
    });

    const command = await client.next('command');
    expect(command).toMatchObject({
      id: told.job_id,
      kind: 'restore',
      runtime: RUNTIME,
      args: { restart: true, preset: 'long' },
      attempt: 1,
    });
    expect(isSigned('whole', key, command)).toBe(true);
    expect(isSigned('whole', key, { ...command, args: {} })).toBe(false);
    expect(Date.parse(command.expires_at) - Date.parse(command.issued_at)).toBe(600_000);
    expect(await job(command.id)).toMatchObject({ state: 'delivered', delivered: true, attempts: 1 });

    client.send({ type: 'command.received', id: command.id });
    expect(await jobWhere(command.id, 'running')).toHaveProperty('received_at');
    client.send({ type: 'command.done', id: command.id, ok: true, result: RESULT });
    expect(await jobWhere(command.id, 'completed')).toMatchObject({ result: RESULT, attempts: 1 });
    await client.close();
  });

  test('a failure is told with its reason, and what came first stays', async () => {
    const { client } = await linked('failing');
    const { job_id: id } = await accepted(await act('failing/llama.70b', 'start'));
    await client.next('command');
    client.send({ type: 'command.done', id, ok: false, error: ERROR });
    client.send({ type: 'command.done', id, ok: true, result: RESULT });
    client.send({ type: 'command.received', id });
    await settled(client, 'failing');

    const ended = await job(id);
    expect(ended).toMatchObject({ kind: 'start', state: 'failed', error: ERROR });
    expect(ended).not.toHaveProperty('result');
    expect(client.frames).toEqual([]);
    await client.close();
  });

  test('what was not done is sent again over the next socket, what is done never', async () => {
    const { client, token } = await linked('again');
    const { job_id: id } = await accepted(await act('again/llama.70b', 'shutdown'));
    expect(await client.next('command')).toMatchObject({ id, attempt: 1 });
    client.socket.terminate();

    const second = await hub.uplink('again', token);
    const command = await second.next('command');
    expect(command).toMatchObject({ id, attempt: 2 });
    second.send({ type: 'command.received', id });
    await jobWhere(id, 'running');
    await second.close();

    // It was taken, but nobody has heard its end: the journal of the node knows it.
    const third = await hub.uplink('again', token);
    expect(await third.next('command')).toMatchObject({ id, attempt: 3 });
    third.send({ type: 'command.done', id, ok: true });
    await settled(third, 'again');
    await third.close();

    const fourth = await hub.uplink('again', token);
    await settled(fourth, 'again');
    expect(fourth.frames).toEqual([]);
    expect(await job(id)).toMatchObject({ state: 'completed', attempts: 3 });
    await fourth.close();
  });

  test('a node whose socket is gone gets it with its next one, all in order', async () => {
    const { client, token } = await linked('away');
    await client.close();
    await hub.matrixWhere(({ items }) => items['away']?.uplink !== 'open');

    const kinds = ['shutdown', 'start', 'restore'];
    for (const kind of kinds) {
      const told = await accepted(await act('away/llama.70b', kind));
      expect(told.delivered).toBe(false);
      expect(await job(told.job_id)).toMatchObject({ state: 'queued', delivered: false, attempts: 0 });
    }

    const back = await hub.uplink('away', token);
    const order = [];
    for (let count = 0; count < kinds.length; count += 1) order.push((await back.next('command')).kind);
    expect(order).toEqual(kinds);
    await back.close();
  });

  test('a node that speaks over a socket cannot end the command of another', async () => {
    const { client } = await linked('meddler');
    const { client: victim } = await linked('victim');
    const { job_id: id } = await accepted(await act('victim/llama.70b'));
    client.send({ type: 'command.done', id, ok: true });
    expect(await client.next('reject')).toMatchObject({ problem: { status: 404 } });
    expect(await job(id)).toMatchObject({ state: 'delivered' });
    await client.close();
    await victim.close();
  });
});

describe('over POST', () => {
  test('comes with the next heartbeat, and its progress is posted', async () => {
    const { token, command_key: key } = await enrolled('posting');
    const told = await accepted(await act('posting/llama.70b'));
    expect(told.delivered).toBe(false);

    const [command, ...others] = await beat('posting', token);
    expect(others).toEqual([]);
    expect(command).toMatchObject({ id: told.job_id, attempt: 1 });
    expect(command && isSigned('posting', key, command)).toBe(true);
    // Not with each heartbeat, but to a reporter that was started anew.
    expect(await beat('posting', token)).toEqual([]);
    expect(await beat('posting', token, 'boot-2')).toMatchObject([{ id: told.job_id, attempt: 2 }]);

    expect((await progress('posting', token, told.job_id, { state: 'received' })).status).toBe(204);
    expect(await job(told.job_id)).toMatchObject({ state: 'running' });
    const done = { state: 'completed', result: RESULT };
    expect((await progress('posting', token, told.job_id, done)).status).toBe(204);
    expect(await job(told.job_id)).toMatchObject({ state: 'completed', result: RESULT });

    // A repeat of what the answer got lost of is no error, and changes nothing.
    const late = { state: 'failed', error: ERROR };
    expect((await progress('posting', token, told.job_id, late)).status).toBe(204);
    expect(await job(told.job_id)).toMatchObject({ state: 'completed' });
    expect(await beat('posting', token, 'boot-3')).toEqual([]);
  });

  test('a failure may be the first that is heard of it', async () => {
    const { token } = await enrolled('posting-failure');
    const { job_id: id } = await accepted(await act('posting-failure/llama.70b'));
    await beat('posting-failure', token);
    await progress('posting-failure', token, id, { state: 'failed', error: ERROR });
    expect(await job(id)).toMatchObject({ state: 'failed', error: ERROR });
  });

  test('progress of nothing, and progress that is none, are told', async () => {
    const { token } = await enrolled('vague');
    const stranger = await progress('vague', token, 'vague:1', { state: 'received' });
    expect(await reasonOf(stranger)).toBe('unknown-job');
    const { job_id: id } = await accepted(await act('vague/llama.70b'));
    for (const body of [{}, { state: 'done' }, { state: 'failed' }, '{']) {
      expect(await reasonOf(await progress('vague', token, id, body))).toBe('malformed-body');
    }
    expect(await job(id)).toMatchObject({ state: 'queued' });
  });
});
