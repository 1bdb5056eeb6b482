// Measures how long an operator's command takes from the POST to the frame at its node, while a thousand nodes report
// over sockets. The direct path in the same rounds is a POST to a path of the same hub where nothing happens. Nodes that
// report by POST get theirs with their next report.

import { mkdtemp, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { CommandAcceptedSchema } from '../../contract/command.ts';
import { sharedNowMs } from './fleet/clock.ts';
import { Connection } from './fleet/connection.ts';
import { Fleet } from './fleet/fleet.ts';
import { startHub, type BenchHub } from './fleet/hub.ts';
import type { Command } from './fleet/simulated-fleet.ts';
import { RUNTIME_ID } from './fleet/simulated-host.ts';
import { fineQuantile, type BenchResult } from './result.ts';

const SOCKETS = 1000;
const POSTING = 50;
const INTERVAL_MS = 5000;
const LIMITS = { p50Ms: 3, p99Ms: 20 };
/** An operator presses a button; a flood of commands is another question. */
const PAUSE_MS = 10;
const GIVE_UP_MS = 20_000;
/** The simulated fleet reports by a clock that ticks, and a report takes its way. */
const REPORT_SLACK_MS = 250;

type Samples = { frameMs: number[]; answerMs: number[]; emptyMs: number[]; byPostMs: number[] };

/** `--short` for who develops: fewer rounds, under the same bars. */
export async function commandLatency(args: readonly string[]): Promise<BenchResult> {
  const rounds = args.includes('--short') ? 300 : 2000;
  const folder = await mkdtemp(join(tmpdir(), 'runtime-matrix-bench-'));
  const ending: (() => Promise<void>)[] = [() => rm(folder, { recursive: true, force: true })];
  try {
    const loadBefore = loadavg()[0] ?? 0;
    const hub = await startHub(folder);
    ending.push(hub.stop);
    const arrivals = new Arrivals();
    const wanted = { hub, nodes: SOCKETS + POSTING, sockets: SOCKETS };
    const fleet = await Fleet.start(wanted, (command) => arrivals.take(command));
    ending.push(() => fleet.stop());
    await fleet.report(INTERVAL_MS);
    const operator = await Operator.open(hub);
    ending.push(async () => operator.close());
    const samples: Samples = { frameMs: [], answerMs: [], emptyMs: [], byPostMs: [] };
    // What is warm is measured: the first words of a new process are not its pace.
    await measure(operator, arrivals, 100, { frameMs: [], answerMs: [], emptyMs: [], byPostMs: [] });
    await measure(operator, arrivals, rounds, samples);
    samples.byPostMs.push(...(await byPost(operator, arrivals)));
    return resultOf(samples, loadBefore);
  } finally {
    for (const finish of ending.toReversed()) await finish();
  }
}

async function measure(
  operator: Operator,
  arrivals: Arrivals,
  rounds: number,
  samples: Samples,
): Promise<void> {
  for (let round = 0; round < rounds; round += 1) {
    // Strides through the fleet: neighbours in it report one after the other.
    const node = `sim-${(round * 389) % SOCKETS}`;
    const emptyAt = sharedNowMs();
    await operator.empty();
    samples.emptyMs.push(sharedNowMs() - emptyAt);
    const sentAt = sharedNowMs();
    const id = await operator.act(node);
    samples.answerMs.push(sharedNowMs() - sentAt);
    samples.frameMs.push((await arrivals.of(id)) - sentAt);
    await pause(PAUSE_MS);
  }
}

/** From the answer to the frame: what is left of the interval of the node. */
async function byPost(operator: Operator, arrivals: Arrivals): Promise<number[]> {
  const waits = Array.from({ length: POSTING }, async (_, index) => {
    await pause((index * INTERVAL_MS) / POSTING);
    const id = await operator.act(`sim-${SOCKETS + index}`);
    const acceptedAt = sharedNowMs();
    return (await arrivals.of(id)) - acceptedAt;
  });
  return Promise.all(waits);
}

/** What came to the nodes, and who waits for it. */
class Arrivals {
  readonly #came = new Map<string, number>();
  readonly #waiting = new Map<string, (atMs: number) => void>();

  take({ id, atMs }: Command): void {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) this.#came.set(id, atMs);
    else waiting(atMs);
  }

  /** When the command was at its node, by `sharedNowMs`. @throws where it does not come. */
  async of(id: string): Promise<number> {
    const came = this.#came.get(id);
    if (came !== undefined) return came;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`${id} did not come to its node within ${GIVE_UP_MS} ms`)),
        GIVE_UP_MS,
      );
      this.#waiting.set(id, (atMs) => {
        clearTimeout(timer);
        resolve(atMs);
      });
    });
  }
}

/** One connection that is kept, as a client's is. */
class Operator {
  readonly #connection: Connection;
  readonly #headers: Record<string, string>;

  private constructor(connection: Connection, token: string) {
    this.#connection = connection;
    this.#headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  }

  static async open({ url, token }: BenchHub): Promise<Operator> {
    return new Operator(await Connection.open(url), token);
  }

  /** The id of the job. `undrain` changes nothing and spends nothing. */
  async act(node: string): Promise<string> {
    const path = `/orchestrator/runtimes/${node}%2F${RUNTIME_ID}/undrain`;
    const { status, body } = await this.#connection.ask(
      this.#connection.head('POST', path, this.#headers),
      '{}',
    );
    if (status !== 202) throw new Error(`the act on ${node} was answered ${status}: ${body}`);
    return v.parse(CommandAcceptedSchema, JSON.parse(body)).job_id;
  }

  /** A request that the hub answers without asking anybody. */
  async empty(): Promise<void> {
    const { status } = await this.#connection.ask(
      this.#connection.head('POST', '/healthz', this.#headers),
      '{}',
    );
    if (status >= 500) throw new Error(`the empty request was answered ${status}`);
  }

  close(): void {
    this.#connection.close();
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

function resultOf({ frameMs, answerMs, emptyMs, byPostMs }: Samples, loadBefore: number): BenchResult {
  const p50 = fineQuantile(frameMs, 0.5);
  const p99 = fineQuantile(frameMs, 0.99);
  const longest = fineQuantile(byPostMs, 1);
  return {
    figures: {
      load_average_before: loadBefore,
      nodes: SOCKETS,
      commands: frameMs.length,
      post_to_frame_p50_ms: p50,
      post_to_frame_p99_ms: p99,
      post_to_frame_max_ms: fineQuantile(frameMs, 1),
      post_to_answer_p50_ms: fineQuantile(answerMs, 0.5),
      post_to_answer_p99_ms: fineQuantile(answerMs, 0.99),
      empty_post_p50_ms: fineQuantile(emptyMs, 0.5),
      empty_post_p99_ms: fineQuantile(emptyMs, 0.99),
      posting_nodes: byPostMs.length,
      report_interval_ms: INTERVAL_MS,
      by_post_wait_p50_ms: fineQuantile(byPostMs, 0.5),
      by_post_wait_max_ms: longest,
    },
    claims: [
      { claim: `the frame at the node within ${LIMITS.p50Ms} ms (p50)`, held: p50 <= LIMITS.p50Ms },
      { claim: `the frame at the node within ${LIMITS.p99Ms} ms (p99)`, held: p99 <= LIMITS.p99Ms },
      {
        claim: 'by POST every command with the next report of its node',
        held: longest <= INTERVAL_MS + REPORT_SLACK_MS,
      },
    ],
  };
}
