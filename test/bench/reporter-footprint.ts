// Measures what an idle reporter costs its host: the built program with one real llama-server and a real hub, from 60 s
// after its start. In the same minutes prometheus-node-exporter is measured, scraped at the reporter's cadence.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { findEngine } from '../../scripts/engine/find-engine.ts';
import { findModel } from '../../scripts/engine/find-model.ts';
import { projectCacheDir } from '../../scripts/engine/project-cache.ts';
import { startFleet, type Fleet } from '../../scripts/fleet/fleet.ts';
import { freePort } from '../../scripts/fleet/free-port.ts';
import { startNodeExporter, type NodeExporter } from './node-exporter.ts';
import { childrenNamed, cpuSecondsOf, footprintOf, type Footprint } from './process-footprint.ts';
import { quantile, type BenchResult } from './result.ts';

const REPORTER = fileURLToPath(new URL('../../dist/arw-reporter.js', import.meta.url));
const WARM_UP_SECONDS = 60;
const MEASURED_SECONDS = 300;
const CADENCE_MS = 5_000;
const TOLD_EVERY = 6;
const MB = 1_000_000;
const LIMIT = { anonymousMb: 35, residentMb: 80, cpuPercent: 0.5, growthMb: 1 };

/** `--seconds N` measures for so long after a short warm-up, to try it out: it claims nothing. */
export async function reporterFootprint(args: readonly string[]): Promise<BenchResult> {
  const { values } = parseArgs({ args: [...args], options: { seconds: { type: 'string' } } });
  const isFull = values.seconds === undefined;
  const measuredSeconds = isFull ? MEASURED_SECONDS : Number(values.seconds);
  if (!(measuredSeconds >= 10)) throw new Error('--seconds must be a number from 10');
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort());

  const directory = await mkdtemp(join(tmpdir(), 'runtime-matrix-bench-'));
  let exporter: NodeExporter | undefined;
  let fleet: Fleet | undefined;
  try {
    exporter = await startNodeExporter(projectCacheDir(), interrupted.signal);
    fleet = await startBuiltFleet(directory);
    const seconds = { warmUp: isFull ? WARM_UP_SECONDS : 10, measured: measuredSeconds };
    const samples = await sample(fleet, exporter, seconds, interrupted.signal);
    return isFull ? judged(samples) : { figures: figuresOf(samples), claims: [] };
  } catch (error) {
    if (interrupted.signal.aborted) throw new Error('interrupted; nothing was measured', { cause: error });
    throw error;
  } finally {
    await fleet?.stop();
    await exporter?.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

async function startBuiltFleet(directory: string): Promise<Fleet> {
  const options = { env: process.env, cacheDir: projectCacheDir(), log: () => undefined };
  const engine = await findEngine(options);
  if (engine.kind === 'stub') throw new Error(`no llama-server to supervise: ${engine.reason}`);
  const model = await findModel({ ...options, env: {} });
  // What is measured is what would be shipped now.
  await import('../../scripts/build.ts');
  return startFleet({
    directory,
    host: '127.0.0.1',
    port: 0,
    engine,
    modelPath: model.path,
    env: { ...process.env, LLAMA_SERVER_PORT: String(await freePort()) },
    reporterProgram: REPORTER,
  });
}

type Samples = {
  reporter: Footprint[];
  exporter: Footprint[];
  /** CPU time of the reporter's long-lived nvidia-smi over the measured time; 0 where it has none. */
  nvidiaSmiSeconds: number;
};

async function sample(
  fleet: Fleet,
  exporter: NodeExporter,
  seconds: { warmUp: number; measured: number },
  signal: AbortSignal,
): Promise<Samples> {
  const startedMs = performance.now();
  const samples: Samples = { reporter: [], exporter: [], nvidiaSmiSeconds: 0 };
  const nvidiaSmi = async (): Promise<number> => {
    const pids = await childrenNamed(fleet.reporterPid, 'nvidia-smi');
    return (await Promise.all(pids.map(cpuSecondsOf))).reduce((sum, spent) => sum + spent, 0);
  };
  const endMs = startedMs + (seconds.warmUp + seconds.measured) * 1000;
  let nvidiaSmiBefore: number | undefined;
  for (let round = 1; performance.now() < endMs; round += 1) {
    // From the start, so that a slow round does not shift the cadence.
    await delay(Math.max(0, startedMs + round * CADENCE_MS - performance.now()), undefined, { signal });
    await exporter.scrape();
    if (performance.now() - startedMs < seconds.warmUp * 1000) continue;
    nvidiaSmiBefore ??= await nvidiaSmi();
    samples.reporter.push(await footprintOf(fleet.reporterPid));
    samples.exporter.push(await footprintOf(exporter.pid));
    if (round % TOLD_EVERY === 0) tell(samples, (endMs - performance.now()) / 1000);
  }
  samples.nvidiaSmiSeconds = (await nvidiaSmi()) - (nvidiaSmiBefore ?? 0);
  return samples;
}

function tell({ reporter }: Samples, secondsLeft: number): void {
  const last = reporter.at(-1);
  if (last === undefined) return;
  const cpu = cpuPercent(reporter).toFixed(2);
  process.stdout.write(
    `${Math.max(0, secondsLeft).toFixed(0)} s left: anonymous ${mb(last.anonymousBytes)} MB, ` +
      `resident ${mb(last.residentBytes)} MB, CPU ${cpu} %\n`,
  );
}

function figuresOf({ reporter, exporter, nvidiaSmiSeconds }: Samples): Record<string, number> {
  const anonymous = mbOf(reporter, 'anonymousBytes');
  const resident = mbOf(reporter, 'residentBytes');
  const exporterAnonymous = quantile(mbOf(exporter, 'anonymousBytes'), 0.5);
  const exporterResident = quantile(mbOf(exporter, 'residentBytes'), 0.5);
  const cpu = cpuPercent(reporter);
  const exporterCpu = cpuPercent(exporter);
  return {
    measured_seconds: Math.round(secondsOf(reporter)),
    reporter_anonymous_p50_mb: quantile(anonymous, 0.5),
    reporter_anonymous_max_mb: quantile(anonymous, 1),
    reporter_anonymous_first_minute_p50_mb: quantile(mbOf(minute(reporter, 'first'), 'anonymousBytes'), 0.5),
    reporter_anonymous_second_minute_p50_mb: quantile(
      mbOf(minute(reporter, 'second'), 'anonymousBytes'),
      0.5,
    ),
    reporter_anonymous_last_minute_p50_mb: quantile(mbOf(minute(reporter, 'last'), 'anonymousBytes'), 0.5),
    reporter_resident_p50_mb: quantile(resident, 0.5),
    reporter_resident_max_mb: quantile(resident, 1),
    reporter_cpu_percent: rounded(cpu),
    reporter_cpu_with_nvidia_smi_percent: rounded(cpu + (nvidiaSmiSeconds / secondsOf(reporter)) * 100),
    node_exporter_anonymous_p50_mb: exporterAnonymous,
    node_exporter_resident_p50_mb: exporterResident,
    node_exporter_cpu_percent: rounded(exporterCpu),
    anonymous_ratio: rounded(quantile(anonymous, 0.5) / exporterAnonymous),
    resident_ratio: rounded(quantile(resident, 0.5) / exporterResident),
    cpu_ratio: rounded(cpu / exporterCpu),
  };
}

function judged(samples: Samples): BenchResult {
  const figures = figuresOf(samples);
  const { reporter } = samples;
  const mostOf = (name: 'anonymousBytes' | 'residentBytes'): number => quantile(mbOf(reporter, name), 1);
  const growthMb =
    quantile(mbOf(minute(reporter, 'last'), 'anonymousBytes'), 0.5) -
    quantile(mbOf(minute(reporter, 'second'), 'anonymousBytes'), 0.5);
  return {
    figures,
    claims: [
      {
        claim: `anonymous memory never above ${LIMIT.anonymousMb} MB`,
        held: mostOf('anonymousBytes') <= LIMIT.anonymousMb,
      },
      {
        claim: `resident memory never above ${LIMIT.residentMb} MB`,
        held: mostOf('residentBytes') <= LIMIT.residentMb,
      },
      {
        claim: `at most ${LIMIT.cpuPercent} % of one core over 5 minutes`,
        held: cpuPercent(reporter) <= LIMIT.cpuPercent,
      },
      {
        claim: `flat over the last four minutes: the median of the last is at most ${LIMIT.growthMb} MB above the first's`,
        held: growthMb <= LIMIT.growthMb,
      },
    ],
  };
}

/** The samples of one minute; of a run that is shorter, as many as there are. */
function minute(samples: readonly Footprint[], which: 'first' | 'second' | 'last'): Footprint[] {
  const [first] = samples;
  const last = samples.at(-1);
  if (first === undefined || last === undefined) throw new Error('nothing was measured');
  const fromMs =
    which === 'first'
      ? first.atMs
      : which === 'last'
        ? last.atMs - 60_000
        : Math.min(first.atMs + 60_000, last.atMs);
  return samples.filter(({ atMs }) => atMs >= fromMs && atMs <= fromMs + 60_000);
}

function secondsOf(samples: readonly Footprint[]): number {
  return ((samples.at(-1)?.atMs ?? 0) - (samples[0]?.atMs ?? 0)) / 1000;
}

function cpuPercent(samples: readonly Footprint[]): number {
  const spent = (samples.at(-1)?.cpuSeconds ?? 0) - (samples[0]?.cpuSeconds ?? 0);
  return samples.length < 2 ? 0 : (spent / secondsOf(samples)) * 100;
}

function mbOf(samples: readonly Footprint[], name: 'anonymousBytes' | 'residentBytes'): number[] {
  return samples.map((footprint) => footprint[name] / MB);
}

function mb(bytes: number): string {
  return (bytes / MB).toFixed(1);
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
