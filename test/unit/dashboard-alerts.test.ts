// Alerts on the page: what is said of them, and that a form changes what was touched and nothing else.

import * as fc from 'fast-check';
import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import {
  aboutWords,
  asItIs,
  deliveryWords,
  hostOf,
  kindsWords,
  ruleFacts,
} from '../../contract/alert-words.ts';
import {
  ALERT_KINDS,
  ALERT_SHAPES,
  AlertRequestSchema,
  type Alert,
  type AlertItem,
} from '../../contract/alerts.ts';
import {
  alertState,
  nextAttemptWords,
  openingNews,
  openWords,
} from '../../dashboard/view-model/alert-facts.ts';
import { changeOf, formOf, submissionOf } from '../../dashboard/view-model/alert-form.ts';
import { lookAgainMs, setTurn, switchTurn, testTurn } from '../../dashboard/view-model/alert-turns.ts';

const NOW = Date.parse('2026-11-22T12:34:56.000Z');
const SECRET = `whsec_${'A'.repeat(44)}`;

function alertOf(more: Partial<Alert> = {}): Alert {
  return {
    id: 'ops',
    shape: 'generic',
    target: 'https://receiver.example',
    signed: true,
    kinds: [...ALERT_KINDS],
    min_severity: 'warn',
    grace_seconds: 60,
    recoveries: true,
    enabled: true,
    open: [],
    delivery: { queued: 0, delivered: 0, dropped: 0 },
    ...more,
  };
}

function openOf(key: string, node: string): AlertItem {
  return {
    status: 'open',
    key,
    kind: 'node.stale',
    node,
    severity: 'error',
    summary: 'Offline - No heartbeat',
    since: '2026-11-22T12:34:50.000Z',
  };
}

function telling(id: string, ...open: AlertItem[]): Alert {
  return alertOf({ id, open });
}

const NAMES = fc.option(
  fc.uniqueArray(fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/), { minLength: 1, maxLength: 4 }),
  {
    nil: undefined,
  },
);
const ALERTS = fc
  .record({
    shape: fc.constantFrom(...ALERT_SHAPES),
    kinds: fc.subarray([...ALERT_KINDS], { minLength: 1 }),
    nodes: NAMES,
    runtimes: NAMES,
    min_severity: fc.constantFrom('warn' as const, 'error' as const),
    grace_seconds: fc.integer({ min: 0, max: 86_400 }),
    recoveries: fc.boolean(),
    enabled: fc.boolean(),
  })
  .map(({ nodes, runtimes, ...more }) =>
    alertOf({ ...more, ...(nodes && { nodes }), ...(runtimes && { runtimes }) }),
  );

describe('the form', () => {
  test('untouched it asks for what there is, and names neither the address nor the secret', () => {
    fc.assert(
      fc.property(ALERTS, (alert) => {
        const submission = submissionOf(formOf(alert), alert, []);
        expect(submission).toEqual({ ok: true, id: 'ops', request: asItIs(alert) });
        expect(v.is(AlertRequestSchema, asItIs(alert))).toBe(true);
      }),
    );
  });

  test('what is changed is asked for; what the form does not have stays', () => {
    const before = alertOf({ enabled: false, nodes: ['gpu-01'] });
    const form = {
      ...formOf(before),
      nodes: '',
      runtimes: 'llama, embed\nllama',
      grace: ' 5 ',
      secret: SECRET,
    };
    expect(submissionOf(form, before, [])).toEqual({
      ok: true,
      id: 'ops',
      request: {
        shape: 'generic',
        secret: SECRET,
        kinds: [...ALERT_KINDS],
        runtimes: ['llama', 'embed'],
        min_severity: 'warn',
        grace_seconds: 5,
        recoveries: true,
        enabled: false,
      },
    });
    const unsigned = submissionOf({ ...formOf(before), isUnsigned: true }, before, []);
    expect(unsigned).toMatchObject({ request: { secret: null } });
  });

  test('what somebody else changed while it was open stays, unless it was touched here too', () => {
    fc.assert(
      fc.property(ALERTS, ALERTS, fc.boolean(), (before, now, touches) => {
        const opened = formOf(before);
        const form = touches ? { ...opened, grace: '7', nodes: 'gpu-07' } : opened;
        const mine = touches && { grace_seconds: 7, nodes: ['gpu-07'] };
        const isMine = touches && before.grace_seconds !== 7;
        fc.pre(!touches || isMine);
        expect(changeOf(form, opened, now)).toEqual({ ...asItIs(now), ...mine });
      }),
    );
    const before = alertOf({ nodes: ['gpu-01'] });
    // A secret, an address and the kind of receiver are one choice: none of them is sent under another's.
    const signed = { ...formOf(before), secret: SECRET };
    const slack = alertOf({ shape: 'slack' });
    expect(changeOf(signed, formOf(before), slack)).toMatchObject({ shape: 'generic', secret: SECRET });
    const hidden = { ...formOf(slack), secret: 'half' };
    expect(changeOf(hidden, formOf(slack), before)).toMatchObject({ shape: 'slack' });

    const emptied = { ...formOf(before), nodes: '', secret: SECRET };
    const now = alertOf({ nodes: ['gpu-02'], enabled: false });
    const change = changeOf(emptied, formOf(before), now);
    expect(change).toMatchObject({ enabled: false, secret: SECRET });
    expect(change.nodes).toBeUndefined();
  });

  test('a secret is sent to a receiver alone that checks it', () => {
    const submission = submissionOf(
      { ...formOf(undefined), id: 'chat', url: 'https://hooks.slack.com/x', secret: SECRET },
      undefined,
      [],
    );
    expect(submission).toMatchObject({ ok: true, id: 'chat', request: { shape: 'slack' } });
    expect(submission).not.toMatchObject({ request: { secret: expect.anything() } });
  });

  test.each([
    [{ id: 'Ops!' }, 'id', 'The name must be 1-63 lower-case letters, digits, ".", "_" or "-"'],
    [{ id: 'taken' }, 'id', 'There is an alert "taken": change that one, or choose another name'],
    [{ url: '  ' }, 'url', 'The address of the receiver is missing'],
    [{ kinds: [] }, 'kinds', 'Choose at least one kind of problem'],
    [{ nodes: 'gpu/01' }, 'nodes', 'A node’s name must be 1-63 letters, digits, ".", "_" or "-"'],
    [{ runtimes: 'a/b' }, 'runtimes', 'A runtime’s name must be 1-127 letters, digits, ".", "_", ":" or "-"'],
    [{ grace: '1 min' }, 'grace', 'The grace must be a whole number from 0 to 86400'],
    [{ grace: '86401' }, 'grace', 'The grace must be a whole number from 0 to 86400'],
    [{ secret: 'short' }, 'secret', 'The secret must be "whsec_" and 24 to 64 bytes in base64'],
  ])('%j is told at its field', (more, field, told) => {
    const form = { ...formOf(undefined), id: 'ops', url: 'https://receiver.example/x', ...more };
    const submission = submissionOf({ ...form, shape: 'generic' }, undefined, ['taken']);
    expect(submission).toEqual({ ok: false, field, told });
  });
});

describe('the words', () => {
  test('of a rule', () => {
    expect(Object.fromEntries(ruleFacts(alertOf()))).toEqual({
      'Tells of': 'runtimes that do not serve, silent nodes, spent restart budgets',
      About: 'the whole fleet',
      Severity: 'warnings and errors',
      Grace: '60 s',
      Recovery: 'told',
      Signature: 'signed',
    });
    const narrow = alertOf({
      shape: 'slack',
      kinds: ['node.stale'],
      grace_seconds: 0,
      min_severity: 'error',
    });
    expect(Object.fromEntries(ruleFacts({ ...narrow, recoveries: false }))).toEqual({
      'Tells of': 'silent nodes',
      About: 'the whole fleet',
      Severity: 'errors only',
      Grace: 'none: told at once',
      Recovery: 'not told',
    });
    expect(kindsWords({ kinds: ['budget.exhausted', 'node.stale'] })).toBe(
      'silent nodes, spent restart budgets',
    );
    expect(aboutWords({ nodes: ['gpu-01'] })).toBe('node gpu-01');
    expect(aboutWords({ runtimes: ['llama', 'embed'] })).toBe('runtimes llama, embed of every node');
    expect(aboutWords({ nodes: ['a', 'b'], runtimes: ['llama'] })).toBe('runtime llama of nodes a, b');
    expect(hostOf({ target: 'http://127.0.0.1:9000' })).toBe('127.0.0.1:9000');
  });

  test('of a delivery: what there is none of is left out, and a failure that stands is seen', () => {
    const none = alertOf();
    expect(deliveryWords(none)).toBe('0 delivered');
    expect(nextAttemptWords(none, NOW)).toBeUndefined();
    expect(alertState(none).word).toBe('On');
    expect(alertState({ ...none, enabled: false }).word).toBe('Off');

    const error = { time: '2026-11-22T12:34:50.000Z', message: 'https://receiver.example answered 503' };
    const delivery = {
      queued: 2,
      delivered: 1,
      dropped: 3,
      last_error: error,
      next_attempt_at: '2026-11-22T12:35:00.500Z',
    };
    const failing = alertOf({ delivery });
    expect(deliveryWords(failing)).toBe('1 delivered, 2 queued, 3 dropped');
    expect(nextAttemptWords(failing, NOW)).toBe('The next attempt is in 5 s');
    expect(nextAttemptWords(failing, NOW + 10_000)).toBe('The next attempt is under way');
    expect(alertState(failing)).toEqual({ shape: 'degraded', word: 'On, not delivered' });
    expect([lookAgainMs([none]), lookAgainMs([none, failing])]).toEqual([15_000, 2000]);
  });

  test('of what is open', () => {
    const item = {
      status: 'open' as const,
      key: 'k',
      kind: 'runtime.state' as const,
      node: 'gpu-01',
      severity: 'error' as const,
      summary: 'Error - exit code 1',
      since: '2026-11-22T12:34:50.000Z',
    };
    expect(openWords({ ...item, runtime: 'llama' })).toEqual({
      shape: 'error',
      word: 'PROBLEM',
      sentence: 'gpu-01/llama: Error - exit code 1',
    });
    expect(openWords({ ...item, severity: 'warn' })).toMatchObject({ word: 'WARNING', shape: 'degraded' });
  });

  test('of what begins and ends while somebody looks, once however many alerts tell of it', () => {
    const before = [telling('ops', openOf('a', 'gpu-01')), telling('pager')];
    expect(openingNews(before, before)).toBeUndefined();
    expect(
      openingNews(before, [telling('ops', openOf('b', 'gpu-02')), telling('pager', openOf('c', 'gpu-02'))]),
    ).toBe('PROBLEM gpu-02: Offline - No heartbeat; RESOLVED gpu-01: Offline - No heartbeat');
    // What goes on under another key is open still.
    expect(openingNews(before, [telling('ops', openOf('b', 'gpu-01'))])).toBe(
      'PROBLEM gpu-01: Offline - No heartbeat',
    );
    // What is removed has not ended; what is new tells of what is there.
    expect(openingNews(before, [telling('pager')])).toBeUndefined();
    expect(openingNews([], [telling('ops', openOf('a', 'gpu-01'))])).toBe(
      'PROBLEM gpu-01: Offline - No heartbeat',
    );
    const many = [1, 2, 3, 4, 5].map((n) => openOf(`k${n}`, `gpu-0${n}`));
    expect(openingNews([telling('ops')], [telling('ops', ...many)])).toMatch(
      /^PROBLEM gpu-01.*gpu-03[^;]*; and 2 more$/,
    );
  });

  test('of what was asked for here', () => {
    expect(testTurn(undefined).tone).toBe('busy');
    expect(testTurn({ ok: true, value: { ok: true, status: 204, latency_ms: 33.2 } })).toEqual({
      tone: 'good',
      words: 'The receiver took the test message: it answered 204 within 34 ms',
    });
    expect(testTurn({ ok: false, told: 'https://receiver.example answered 404' })).toEqual({
      tone: 'bad',
      words: 'The test failed: https://receiver.example answered 404',
    });
    expect(setTurn('ops', true).words).toBe('Alert ops is set: try it with Test');
    expect(setTurn('ops', false).words).toBe('Alert ops is changed');
    expect(switchTurn('ops', false).words).toBe('Alert ops is off');
    expect(switchTurn('ops', true, 'the hub does not answer').words).toBe(
      'Alert ops could not be switched on: the hub does not answer',
    );
  });
});
