// Owns `npm run bench -- NAME`: finds the bench, runs it, prints its figures last and keeps them as JSON.

import { mkdir, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus } from 'node:os';
import { changeLatency } from './change-latency.ts';
import { commandLatency } from './command-latency.ts';
import { cost } from './cost.ts';
import { dashboard } from './dashboard.ts';
import { events } from './events.ts';
import { gatewayOverhead } from './gateway-overhead.ts';
import { growth } from './growth.ts';
import { ingest } from './ingest.ts';
import { matrixRead } from './matrix-read.ts';
import { relayOverhead } from './relay-overhead.ts';
import { reporterFootprint } from './reporter-footprint.ts';
import type { BenchResult } from './result.ts';
import { sandboxOverhead } from './sandbox-overhead.ts';

const BENCHES: Readonly<Record<string, (args: readonly string[]) => Promise<BenchResult>>> = {
  'change-latency': changeLatency,
  'command-latency': commandLatency,
  cost,
  dashboard,
  events,
  'gateway-overhead': gatewayOverhead,
  growth,
  ingest,
  'matrix-read': matrixRead,
  'relay-overhead': relayOverhead,
  'reporter-footprint': reporterFootprint,
  'sandbox-overhead': sandboxOverhead,
};

const name = process.argv[2] ?? '';
const bench = BENCHES[name];
if (bench === undefined) {
  process.stderr.write(`bench: name one of: ${Object.keys(BENCHES).join(', ')}\n`);
  process.exit(2);
}

let result: BenchResult;
try {
  result = await bench(process.argv.slice(3));
} catch (error) {
  process.stderr.write(`bench: ${name}: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
const machine = { cores: availableParallelism(), cpu: cpus()[0]?.model, node: process.version };
await mkdir('bench-results', { recursive: true });
await writeFile(`bench-results/${name}.json`, `${JSON.stringify({ name, machine, ...result }, null, 2)}\n`);
process.stdout.write(`\n${name} (${machine.cores} cores)\n`);
for (const [figure, value] of Object.entries(result.figures)) process.stdout.write(`  ${figure}: ${value}\n`);
for (const { claim, held } of result.claims)
  process.stdout.write(`  ${held ? 'held' : 'MISSED'}: ${claim}\n`);
if (result.claims.some(({ held }) => !held)) process.exitCode = 1;
