// The view on a host itself: where its socket is, and what `arw-reporter status` prints.

import { describe, expect, test } from 'vitest';
import type { LocalStatus } from '../../reporter/local/local-status.ts';
import { renderLocalStatus } from '../../reporter/local/render.ts';
import { socketPlace } from '../../reporter/local/socket-path.ts';
import { SnapshotBuilder } from '../../reporter/snapshot/snapshot.ts';
import { runtimeRecord } from '../support/snapshot.ts';

const T0 = Date.parse('2026-11-22T12:00:00.000Z');
const at = (secondsAgo: number): string => new Date(T0 - secondsAgo * 1000).toISOString();

function status(
  uplink: Partial<LocalStatus['uplink']>,
  records = [runtimeRecord({ id: 'llama' })],
): LocalStatus {
  const builder = new SnapshotBuilder('gpu-01', 'boot', '0.1.0');
  const host = { os: 'linux', arch: 'x64', cpus: 2 };
  return {
    reporter: { pid: 4711, version: '0.1.0', started_at: at(7_300), manifest: '/m', state_dir: '/s' },
    uplink: { hub: 'https://hub.example/', state: 'connected', since: at(300), ...uplink },
    snapshot: builder.present({ host, records, accelerators: [] }, 5_000, T0),
  };
}

describe('the text', () => {
  test('node, reporter, hub and runtimes', () => {
    const lines = renderLocalStatus(status({ way: 'websocket' }), T0, 80).split('\n');
    expect(lines.slice(0, 7)).toEqual([
      'Node gpu-01: Ready - Runtime telemetry nominal',
      '  Running within expected ranges',
      '',
      'Here: reporter 0.1.0, process 4711, for 2 h',
      'Hub:  https://hub.example/ hears us by WebSocket for 5 min',
      '',
      'Runtimes: 1 (1 ready)',
    ]);
    expect(lines[7]).toMatch(/^ {2}llama {2}Ready \(Info\) {2}/);
    expect(lines.every((line) => line.length <= 80)).toBe(true);
  });
  test.each<[string, Partial<LocalStatus['uplink']>, string]>([
    ['by POST', { way: 'post' }, 'https://hub.example/ hears us by POST for 5 min'],
    [
      'the hub is away',
      { state: 'trying', since: at(30), reason: 'connection refused' },
      'https://hub.example/ does not hear us for 30 s (connection refused)',
    ],
    ['not enrolled', { state: 'enrolling' }, 'https://hub.example/ has not enrolled us yet, for 5 min'],
  ])('%s', (_what, uplink, words) => {
    expect(renderLocalStatus(status(uplink), T0, undefined)).toContain(`Hub:  ${words}\n`);
  });
  test('a host that runs nothing', () => {
    expect(renderLocalStatus(status({}, []), T0, 80)).toMatch(/Runtimes: 0\n$/);
  });
});

describe('the socket', () => {
  test('is in the state directory', () => {
    expect(socketPlace('/var/lib/arw', '/run/user/1')).toEqual({
      path: '/var/lib/arw/reporter.sock',
      elsewhere: false,
    });
  });
  test('is elsewhere where that path is too long for one, apart for each directory', () => {
    const long = `/srv/${'x'.repeat(100)}`;
    const place = socketPlace(long, '/run/user/1');
    expect(place.path).toMatch(/^\/run\/user\/1\/arw-reporter-[0-9a-f]{16}\.sock$/);
    expect(place.elsewhere).toBe(true);
    expect(socketPlace(`${long}y`, '/run/user/1').path).not.toBe(place.path);
    expect(socketPlace(long, undefined).path).toMatch(/arw-reporter-[0-9a-f]{16}\.sock$/);
  });
});
