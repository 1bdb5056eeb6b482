// Which openings a host takes: none twice, whatever the time that it is told.

import { createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import type { NodeFrame } from '../../contract/frames.ts';
import { relaySigningText, type RelayOpen } from '../../contract/relay.ts';
import { RelayIntake } from '../../reporter/uplink/relay-intake.ts';
import { RecordedLog } from '../support/recorded-log.ts';

const NODE = 'gpu-01';
const KEY = Buffer.alloc(32, 7).toString('base64url');
const START_MS = Date.parse('2026-11-22T12:00:00Z');

class Host {
  readonly sent: NodeFrame[] = [];
  hubNowMs = START_MS;
  readonly intake = new RelayIntake({
    node: NODE,
    commandKey: KEY,
    // An opening that is taken gets as far as here.
    door: () => Promise.reject(new Error('taken')),
    way: { sendBytes: () => false, bufferedBytes: () => 0 },
    send: (frame) => this.sent.push(frame),
    log: new RecordedLog(),
    openUpload: () => {
      throw new Error('nothing is answered here');
    },
    hubNowMs: () => this.hubNowMs,
  });

  /** What came of it. */
  async open(open: RelayOpen): Promise<string> {
    await this.intake.open(open);
    const end = this.sent.at(-1);
    if (end?.type !== 'relay.end' || end.ok) throw new Error('no refusal');
    return end.error.message === 'taken' ? 'taken' : end.error.reason;
  }
}

function opening(id: string, issuedMs: number): RelayOpen {
  const open: RelayOpen = {
    type: 'relay.open',
    id,
    stream: 1,
    method: 'POST',
    path: '/v1/chat/completions',
    headers: {},
    issued_at: new Date(issuedMs).toISOString(),
    expires_at: new Date(issuedMs + 30_000).toISOString(),
    signature: '',
  };
  const signature = createHmac('sha256', Buffer.from(KEY, 'base64url'))
    .update(relaySigningText(NODE, open))
    .digest('base64url');
  return { ...open, signature };
}

test('an opening that was forgotten is not taken again under an older time', async () => {
  const host = new Host();
  const recorded = opening('a', START_MS);
  expect(await host.open(recorded)).toBe('taken');
  expect(await host.open(recorded)).toBe('repeated');
  host.hubNowMs = START_MS + 40_000;
  expect(await host.open(opening('b', host.hubNowMs))).toBe('taken');
  host.hubNowMs = START_MS;
  expect(await host.open(recorded)).toBe('repeated');
});

test('a clock of the hub that is set back a little costs nothing', async () => {
  const host = new Host();
  expect(await host.open(opening('a', START_MS))).toBe('taken');
  host.hubNowMs = START_MS + 40_000;
  expect(await host.open(opening('b', host.hubNowMs))).toBe('taken');
  host.hubNowMs = START_MS + 10_000;
  expect(await host.open(opening('c', host.hubNowMs))).toBe('taken');
});
