// What a smoke suite reads from its environment, and what it holds against a matrix.

import { describe, expect, test } from 'vitest';
import { matrixFaults } from '../../scripts/smoke/matrix-faults.ts';
import { readSmokeSettings, SettingsError } from '../../scripts/smoke/settings.ts';
import { snapshot, SNAPSHOT_TIME } from '../support/snapshot.ts';

describe('settings', () => {
  test('with nothing set: the stub, for at most 600 s', () => {
    expect(readSmokeSettings('runtime', {})).toEqual({
      suite: 'runtime',
      engine: 'stub',
      timeoutSeconds: 600,
      root: undefined,
    });
  });

  test.each([
    [{ RUNTIME_SMOKE_TIMEOUT_SECS: '5', SMOKE_TIMEOUT_SECS: '7' }, 5],
    [{ RUNTIME_SMOKE_TIMEOUT_SECS: '', SMOKE_TIMEOUT_SECS: '7' }, 7],
    [{ RUNTIME_SMOKE_TIMEOUT_SECS: '0', SMOKE_TIMEOUT_SECS: '7' }, undefined],
    [{ SMOKE_TIMEOUT_SECS: '0' }, undefined],
  ])('%o: the guard is %s', (env, seconds) => {
    expect(readSmokeSettings('runtime', env).timeoutSeconds).toBe(seconds);
  });

  test('ARW_SMOKE_MODE=vision chooses the suite; only that one knows VISION_SMOKE_ROOT', () => {
    const env = { VISION_SMOKE_ROOT: '/srv/run' };
    expect(readSmokeSettings('runtime', { ...env, ARW_SMOKE_MODE: 'vision' })).toMatchObject({
      suite: 'vision',
      root: '/srv/run',
    });
    expect(readSmokeSettings('vision', env)).toMatchObject({ suite: 'vision', root: '/srv/run' });
    expect(readSmokeSettings('runtime', env)).toMatchObject({ suite: 'runtime', root: undefined });
  });

  test.each([
    [{ MODE: 'rael' }, 'MODE is "rael": set it to stub or real, or unset it'],
    [{ ARW_SMOKE_MODE: 'x' }, 'ARW_SMOKE_MODE is "x": set it to runtime or vision, or unset it'],
    [
      { SMOKE_TIMEOUT_SECS: 'soon' },
      'SMOKE_TIMEOUT_SECS is "soon": set seconds from 0 (no limit) to 2147483, or unset it',
    ],
    [
      { RUNTIME_SMOKE_TIMEOUT_SECS: '-1' },
      'RUNTIME_SMOKE_TIMEOUT_SECS is "-1": set seconds from 0 (no limit) to 2147483, or unset it',
    ],
  ])('%o is refused', (env, message) => {
    expect(() => readSmokeSettings('runtime', env)).toThrow(new SettingsError(message));
  });
});

describe('the matrix', () => {
  const told = snapshot();
  const item = {
    ...told,
    received_at: SNAPSHOT_TIME,
    expires_at: '2026-11-22T12:35:56.789Z',
    age_seconds: 1,
    stale: false,
    uplink: 'open',
  };
  const matrix = {
    items: { 'gpu-01': item },
    ttl_seconds: 60,
    updated: '2026-11-22T12:34:57.789Z',
    version: 1,
  };
  const withStatus = (status: object): object => ({
    ...matrix,
    items: { 'gpu-01': { ...item, status: { ...item.status, ...status } } },
  });

  test('one that speaks and is fresh has no fault', () => {
    expect(matrixFaults(matrix)).toEqual([]);
  });

  test.each([
    ['no label', withStatus({ label: undefined }), 'items.gpu-01.status.label'],
    ['a blank label', withStatus({ label: ' ' }), 'items.gpu-01.status.label'],
    ['no detail', withStatus({ detail: [] }), 'items.gpu-01.status.detail'],
    ['a blank line of detail', withStatus({ detail: ['', 'x'] }), 'items.gpu-01.status.detail.0'],
    ['no hint', withStatus({ aria_hint: undefined }), 'items.gpu-01.status.aria_hint'],
    ['a blank hint', withStatus({ aria_hint: ' ' }), 'items.gpu-01: status.aria_hint'],
    ['no severity label', withStatus({ severity_label: '' }), 'items.gpu-01.status.severity_label'],
    ['no items', { ...matrix, items: {} }, 'items: there is none'],
    ['no TTL', { ...matrix, ttl_seconds: 0 }, 'ttl_seconds: must be positive'],
    ['a silent node', { ...matrix, items: { 'gpu-01': { ...item, stale: true } } }, 'items.gpu-01: stale'],
    [
      'an old registry',
      { ...matrix, updated: '2026-11-22T12:36:00.000Z' },
      'items.gpu-01: runtime.updated: 63 s old, past its 60 s',
    ],
    ['no matrix at all', 'oops', 'the body'],
  ])('%s is a fault that names its place', (_, body, place) => {
    const faults = matrixFaults(body);
    expect(faults).toHaveLength(1);
    expect(faults[0]).toContain(place);
  });
});
