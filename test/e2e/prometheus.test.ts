// The scrape configuration, the alerts and the Grafana dashboard of the docs, by a real Prometheus: it takes the two files
// as they stand in the text, scrapes a real hub, and answers every question of the dashboard.

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { expect, onTestFinished, test } from 'vitest';
import { peerCommand, startPeer } from '../bench/fleet/debian-peer.ts';
import { freePort } from '../support/engine-process.ts';
import { eventually } from '../support/eventually.ts';
import { panelsOf, readDashboard } from '../support/grafana.ts';
import { ServedHub } from '../support/served-hub.ts';
import { run } from '../support/shell.ts';
import { runtimeRecord, snapshot } from '../support/snapshot.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const OPERATIONS = new URL('../../docs/operations.md', import.meta.url);
const TOKEN_FILE = '/etc/prometheus/runtime-matrix.token';

const AnswerSchema = v.object({
  status: v.literal('success'),
  data: v.object({ result: v.array(v.unknown()) }),
});

/** The YAML block of the docs that has the word. */
async function blockWith(word: string): Promise<string> {
  const text = await readFile(OPERATIONS, 'utf8');
  const blocks = [...text.matchAll(/^```yaml\n([\s\S]*?)^```/gm)].map(([, block = '']) => block);
  const found = blocks.filter((block) => block.includes(word));
  if (found.length !== 1) throw new Error(`${found.length} blocks of docs/operations.md have "${word}"`);
  return found[0] ?? '';
}

async function promtool(...args: string[]): Promise<string> {
  const { command, leading } = await peerCommand({ package: 'prometheus', binary: 'promtool' });
  const { exitCode, stdout, stderr } = await run(command, [...leading, ...args]);
  if (exitCode !== 0) throw new Error(`promtool ${args.join(' ')}: ${stdout}${stderr}`);
  return stdout;
}

test('Prometheus takes the docs and answers the dashboard', async () => {
  const folder = await temporaryFolder();
  // It speaks once, and what fetches and starts Prometheus may take longer than a minute.
  const hub = await ServedHub.ready(join(folder, 'hub'), [], { ARW_RUNTIME_MATRIX_TTL_SEC: '900' });
  const token = await hub.enrol('gpu-01');
  const health = {
    latency_ms: 3,
    capacity: 4,
    inflight_jobs: 1,
    queued_jobs: 0,
    request_count: 10,
    error_count: 1,
    predicted_tokens_per_second: 41.5,
  };
  const record = runtimeRecord();
  record.status.health = health;
  const body = snapshot({ node: 'gpu-01', runtimes: [record] });
  expect((await hub.ask('POST', '/nodes/gpu-01/health', { token, body })).status).toBe(200);

  // Of alerts that nobody set nothing is counted.
  const alert = { url: 'https://receiver.example/hook' };
  expect((await hub.ask('PUT', '/alerts/ops', { token: hub.token, body: alert })).status).toBe(201);

  const secret = join(folder, 'token');
  await writeFile(secret, hub.token, { mode: 0o600 });
  const scrape = (await blockWith('scrape_configs:')).replace(TOKEN_FILE, secret);
  expect(scrape).toContain(secret);
  const config = join(folder, 'prometheus.yml');
  await writeFile(config, scrape);
  expect(await promtool('check', 'config', config)).toContain('is valid prometheus config file');
  const rules = join(folder, 'rules.yml');
  await writeFile(rules, await blockWith('groups:'));
  expect(await promtool('check', 'rules', rules)).toMatch(/SUCCESS: \d+ rules found/);

  // The same configuration, for a hub without TLS and without a minute to spare.
  const here = scrape
    .replace('scheme: https', 'scheme: http')
    .replace('scrape_interval: 60s', 'scrape_interval: 1s')
    .replace("'hub.example'", `'${new URL(hub.url).host}'`);
  await writeFile(config, `${here}rule_files: [${rules}]\n`);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const args = [
    `--config.file=${config}`,
    `--storage.tsdb.path=${join(folder, 'tsdb')}`,
    `--web.listen-address=127.0.0.1:${port}`,
  ];
  const prometheus = await startPeer({ package: 'prometheus', binary: 'prometheus' }, args, url, '/-/ready');
  onTestFinished(() => prometheus.stop());

  const ask = async (query: string): Promise<unknown[]> => {
    const answer = await fetch(`${url}/api/v1/query?${new URLSearchParams({ query }).toString()}`);
    const text = await answer.text();
    const parsed = v.safeParse(AnswerSchema, JSON.parse(text));
    if (!parsed.success) throw new Error(`${query}: ${text}`);
    return parsed.output.data.result;
  };
  await eventually(
    'it was scraped twice',
    async () => (await ask('count_over_time(arw_hub_info[1m]) > 2')).length > 0,
    30_000,
  );
  const panels = panelsOf(await readDashboard());
  const empty: string[] = [];
  for (const { title, targets } of panels) {
    for (const { expr } of targets) {
      // As Grafana fills it in with everything chosen.
      const query = expr.replaceAll(/"\$\w+"/g, '".*"').replaceAll('$__rate_interval', '1m');
      if ((await ask(query)).length === 0) empty.push(title);
    }
  }
  expect(empty).toEqual([]);
  expect(await ask('ALERTS')).toEqual([]);
});
