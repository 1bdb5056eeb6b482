// Peers on the way that break the rules: the reporter neither falls nor asks them in a rush.

import { once } from 'node:events';
import { createServer } from 'node:http';
import { afterEach, expect, onTestFinished, test, vi } from 'vitest';
import { WebSocketServer } from 'ws';
import { CLOSE_REJECTED } from '../../contract/frames.ts';
import { Uplink } from '../../reporter/uplink/link.ts';
import type { UplinkTiming } from '../../reporter/uplink/timing.ts';
import { freePort } from '../support/engine-process.ts';
import { eventually } from '../support/eventually.ts';
import { RecordedLog } from '../support/recorded-log.ts';
import { snapshot } from '../support/snapshot.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

function reportTo(port: number, timing: Partial<UplinkTiming>): RecordedLog {
  const log = new RecordedLog();
  const uplink = new Uplink(
    {
      hub: new URL(`http://127.0.0.1:${port}/`),
      node: 'gpu-01',
      token: 'a-node-token',
      bootId: 'boot-1',
      version: '0.1.0',
      log,
      snapshot: () => JSON.stringify(snapshot()),
      onCommand: () => undefined,
      onCancel: () => undefined,
      onFirstAccepted: () => undefined,
      timing,
    },
    60_000,
  );
  onTestFinished(() => uplink.stop());
  uplink.start();
  return log;
}

// An unhandled rejection would fail the run.
test('a refusal that breaks off in the middle is a refusal', async () => {
  const server = createServer((request) => request.socket.destroy());
  let upgrades = 0;
  server.on('upgrade', (_request, socket) => {
    upgrades += 1;
    socket.on('error', () => undefined);
    socket.write('HTTP/1.1 403 Forbidden\r\nContent-Length: 1000\r\n\r\n<h1>Blocked', () => socket.destroy());
  });
  const port = await freePort();
  await once(server.listen(port, '127.0.0.1'), 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const log = reportTo(port, { reconnect: { baseMs: 5, capMs: 5 } });
  await eventually('three tries', () => upgrades >= 3);
  expect(log.text()).toContain('is away');
});

test('a hub that welcomes and then refuses every snapshot is asked less and less often', async () => {
  // The longest wait that the jitter allows, so that the waits can be told from the times.
  vi.spyOn(Math, 'random').mockReturnValue(0.999);
  const port = await freePort();
  const server = new WebSocketServer({ port, host: '127.0.0.1' });
  await once(server, 'listening');
  onTestFinished(() => server.close());
  const connectedMs: number[] = [];
  server.on('connection', (socket) => {
    connectedMs.push(performance.now());
    socket.once('message', () => {
      const pace = { ttl_seconds: 60, interval_ms: 60_000, server_time: new Date().toISOString() };
      socket.send(JSON.stringify({ type: 'welcome', ...pace }));
      socket.once('message', () => socket.close(CLOSE_REJECTED, 'for another node'));
    });
  });
  const log = reportTo(port, { reconnect: { baseMs: 20, capMs: 10_000 } });
  await eventually('five connections', () => connectedMs.length >= 5);

  // 20 + 40 + 80 + 160 ms of waiting; four times 20 if each welcome began it anew.
  expect((connectedMs[4] ?? 0) - (connectedMs[0] ?? 0)).toBeGreaterThan(280);
  expect(log.text()).toContain('The hub closed the uplink (4003: for another node)');
});
