// Measures how long a state change takes from its host to those who subscribe to events, with a fleet that reports
// meanwhile, and what heartbeats cost those who did not ask for them. The direct path in the same rounds is the hub's
// own word to the host that the snapshot was taken.

import { request, type ClientRequest } from 'node:http';
import { mkdtemp, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createParser } from 'eventsource-parser';
import * as v from 'valibot';
import { EventSchema, EVENT_PAYLOADS } from '../../contract/events.ts';
import { sharedNowMs } from './fleet/clock.ts';
import { Fleet } from './fleet/fleet.ts';
import { startHub, type BenchHub } from './fleet/hub.ts';
import { fineQuantile, quantile, type BenchResult } from './result.ts';

const NODES = 1000;
const SUBSCRIBERS = 100;
const INTERVAL_MS = 5000;
const P50_MAX_MS = 50;
const HEARD_WITHIN_MS = 10_000;
/** A change while the log or the sockets are busy with the one before would measure a queue. */
const PAUSE_MS = 100;
const STATES = ['error', 'ready'] as const;

/** `--short` for who develops: fewer rounds, under the same bars. */
export async function events(args: readonly string[]): Promise<BenchResult> {
  const rounds = args.includes('--short') ? 40 : 200;
  const quietMs = args.includes('--short') ? 6000 : 20_000;
  const folder = await mkdtemp(join(tmpdir(), 'runtime-matrix-bench-'));
  const ending: (() => Promise<void> | void)[] = [() => rm(folder, { recursive: true, force: true })];
  try {
    const loadBefore = loadavg()[0] ?? 0;
    const hub = await startHub(folder);
    ending.push(hub.stop);
    const fleet = await Fleet.start({ hub, nodes: NODES, sockets: NODES });
    ending.push(() => fleet.stop());
    await fleet.report(INTERVAL_MS);
    const subscribers = await Promise.all(
      Array.from({ length: SUBSCRIBERS }, () => Subscriber.open(hub, 'runtime.state.')),
    );
    ending.push(() => subscribers.forEach((subscriber) => subscriber.leave()));
    const measured = await measure(fleet, subscribers, rounds);
    const quiet = await listenTo(subscribers, quietMs);
    const p50 = fineQuantile(measured.heardMs, 0.5);
    return {
      figures: {
        load_average_before: loadBefore,
        nodes: NODES,
        subscribers: SUBSCRIBERS,
        changes: rounds,
        change_heard_p50_ms: p50,
        change_heard_p99_ms: fineQuantile(measured.heardMs, 0.99),
        change_heard_by_all_p50_ms: fineQuantile(measured.lastMs, 0.5),
        change_acked_to_host_p50_ms: fineQuantile(measured.ackedMs, 0.5),
        change_acked_to_host_p99_ms: fineQuantile(measured.ackedMs, 0.99),
        quiet_seconds: quietMs / 1000,
        heartbeats_meanwhile: Math.round((NODES * quietMs) / INTERVAL_MS),
        events_meanwhile: quiet.events,
        event_bytes_meanwhile: quiet.bytes,
        bytes_of_one_change: quantile(measured.bytes, 0.5),
      },
      claims: [
        {
          claim: `a change is heard within ${P50_MAX_MS} ms at the median, ${NODES} nodes reporting, ${SUBSCRIBERS} subscribers`,
          held: p50 <= P50_MAX_MS,
        },
        { claim: 'heartbeats cost subscribers to states not a byte', held: quiet.bytes === 0 },
      ],
    };
  } finally {
    for (const finish of ending.toReversed()) await finish();
  }
}

type Measured = { heardMs: number[]; lastMs: number[]; ackedMs: number[]; bytes: number[] };

async function measure(fleet: Fleet, subscribers: readonly Subscriber[], rounds: number): Promise<Measured> {
  const measured: Measured = { heardMs: [], lastMs: [], ackedMs: [], bytes: [] };
  const first = subscribers[0];
  if (first === undefined) throw new Error('nobody subscribes');
  for (let round = 0; round < rounds; round += 1) {
    // Every node in turn, to one state and in the next turn back.
    const index = Math.floor((round * NODES) / rounds);
    const state = STATES[Math.floor(round / NODES) % STATES.length] ?? 'error';
    const before = first.bytes;
    const heard = subscribers.map((subscriber) => subscriber.next(`sim-${index}`, state));
    const { sentMs, ackedMs } = await fleet.change(index, state);
    const times = (await Promise.all(heard)).map((atMs) => atMs - sentMs);
    measured.heardMs.push(...times);
    measured.lastMs.push(Math.max(...times));
    measured.ackedMs.push(ackedMs - sentMs);
    measured.bytes.push(first.bytes - before);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  return measured;
}

/** What comes while nothing changes but figures; the comments that keep a stream alive are not counted. */
async function listenTo(
  subscribers: readonly Subscriber[],
  forMs: number,
): Promise<{ events: number; bytes: number }> {
  const bytesBefore = subscribers.map(({ bytes }) => bytes);
  const eventsBefore = subscribers.map((subscriber) => subscriber.events);
  await new Promise((resolve) => setTimeout(resolve, forMs));
  const bytes = subscribers.reduce(
    (sum, subscriber, at) => sum + subscriber.bytes - (bytesBefore[at] ?? 0),
    0,
  );
  const count = subscribers.reduce(
    (sum, subscriber, at) => sum + subscriber.events - (eventsBefore[at] ?? 0),
    0,
  );
  return { events: count, bytes };
}

const COMMENT = ': still here\n\n';

class Subscriber {
  bytes = 0;
  events = 0;
  readonly #request: ClientRequest;
  #waiting: { node: string; state: string; heard: (atMs: number) => void } | undefined;

  private constructor(sent: ClientRequest) {
    this.#request = sent;
  }

  static open(hub: BenchHub, prefix: string): Promise<Subscriber> {
    const sent = request(`${hub.url}/events?prefix=${prefix}`, {
      agent: false,
      headers: { authorization: `Bearer ${hub.token}` },
    });
    const subscriber = new Subscriber(sent);
    const parser = createParser({ onEvent: ({ data }) => subscriber.#hear(data) });
    sent.end();
    return new Promise((resolve, reject) => {
      sent.once('error', reject);
      sent.once('response', (response) => {
        if (response.statusCode !== 200)
          return reject(new Error(`/events was answered ${response.statusCode}`));
        response.setEncoding('utf8');
        response.on('data', (text: string) => {
          if (text !== COMMENT) subscriber.bytes += Buffer.byteLength(text);
          parser.feed(text);
        });
        resolve(subscriber);
      });
    });
  }

  /** When it hears that a runtime of the node is in the state, by `sharedNowMs`. */
  next(node: string, state: string): Promise<number> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`${node} was not heard to be ${state}`)),
        HEARD_WITHIN_MS,
      );
      this.#waiting = {
        node,
        state,
        heard: (atMs) => {
          clearTimeout(timer);
          resolve(atMs);
        },
      };
    });
  }

  leave(): void {
    this.#request.destroy();
  }

  #hear(data: string): void {
    const atMs = sharedNowMs();
    this.events += 1;
    const { payload } = v.parse(EventSchema, JSON.parse(data));
    const { node, to } = v.parse(EVENT_PAYLOADS['runtime.state.changed'], payload);
    if (node === this.#waiting?.node && to === this.#waiting.state) this.#waiting.heard(atMs);
  }
}
