// The sentences that a host sends beside its logs: they may quote a log, and hold no secret either.

import { expect, test } from 'vitest';
import * as v from 'valibot';
import { RuntimeStatusSchema } from '../../contract/runtime-record.ts';
import { HostRedaction, secretsOfEntry } from '../../reporter/logs/host-redaction.ts';
import { runtimeRecord } from '../support/snapshot.ts';

const KEY = 'k-123';

function knowing(...secrets: string[]): HostRedaction {
  const redaction = new HostRedaction();
  redaction.add(secrets);
  return redaction;
}

test('summary and detail of a runtime, within the length that the wire takes', () => {
  const record = runtimeRecord();
  record.status.summary = `${KEY} `.repeat(40);
  record.status.detail = [`Process failed (exit code 1): --key=${KEY}`, 'Nothing to hide'];

  const { status, descriptor } = knowing(KEY).record(record);
  expect(JSON.stringify(status)).not.toContain(KEY);
  expect(status.detail).toEqual(['Process failed (exit code 1): --key=[redacted]', 'Nothing to hide']);
  expect(v.is(RuntimeStatusSchema, status)).toBe(true);
  expect(descriptor).toEqual(record.descriptor);
});

test('the message of a command that failed; what succeeded is told as it is', () => {
  const redaction = knowing(KEY);
  const failed = redaction.outcome({ ok: false, error: { reason: 'failed', message: `Said ${KEY}` } });
  expect(failed).toEqual({ ok: false, error: { reason: 'failed', message: 'Said [redacted]' } });
  const done = { ok: true as const, result: { state: 'ready', pid: 7 } };
  expect(redaction.outcome(done)).toEqual(done);
});

test('what is learnt later is hidden from then on, beside what was known', () => {
  const redaction = knowing('first-secret');
  const { redact } = redaction;
  redaction.add(['second-secret']);
  expect(redact('second-secret')).toBe('second-secret');
  expect(redaction.redact('first-secret second-secret')).toBe('[redacted] [redacted]');
});

test('an entry of the manifest gives secrets by its own words and by those of each preset', () => {
  const entry = {
    id: 'a',
    adapter: 'llama.cpp' as const,
    process: { args: ['--api-key', 'one-key', '-c', '512'], env: { HF_TOKEN: 'hf-secret' } },
    presets: { long: { args: ['--api-key=two-key'] }, plain: {} },
  };
  expect(new Set(secretsOfEntry(entry))).toEqual(new Set(['one-key', 'hf-secret', 'two-key']));
});
