// Owns that the page follows its hub: a stream of events while one can be had, looks at the matrix while none can, and in
// which of the states it is. It opens the stream first and loads then, so that nothing falls between.

import { computed, effect, signal, type ReadonlySignal } from '@preact/signals';
import * as v from 'valibot';
import { EVENT_PAYLOADS, type Event } from '../../contract/events.ts';
import { MatrixSchema } from '../../contract/read-models.ts';
import { hubTime } from '../model/clock.ts';
import { applyPatch, isBehind, isLoaded, load, ttlSeconds } from '../model/fleet.ts';
import {
  backoffMs,
  connectionState,
  pollSeconds,
  type ConnectionState,
} from '../view-model/connection-state.ts';
import { ask } from './ask.ts';
import { EventSocket } from './event-socket.ts';
import { PatchIntake } from './patch-intake.ts';
import { session, sessionIsOver } from './session.ts';

/** Longer than an answer may be shown again by the hub: the next one is newer. */
const LOAD_AGAIN_MS = 300;

const PATCH = 'state.read.model.patch';
const PatchSchema = EVENT_PAYLOADS[PATCH];

const isStreaming = signal(false);
const answeredAtMs = signal<number | undefined>(undefined);
const failingSinceMs = signal<number | undefined>(undefined);
const refusal = signal<string | undefined>(undefined);
const listeners: ((event: Event) => void)[] = [];

let socket: EventSocket | undefined;
let attempt = 0;
let lastId: string | undefined;
let loading: Promise<void> | undefined;
let timer: ReturnType<typeof setTimeout> | undefined;
let againTimer: ReturnType<typeof setTimeout> | undefined;
const intake = new PatchIntake({ apply: applyPatch, load, isBehind });

export const connection: ReadonlySignal<ConnectionState> = computed(() =>
  connectionState({
    isSignedOut: session.value === 'none',
    isStreaming: isStreaming.value,
    isLoaded: isLoaded.value,
    answeredAtMs: answeredAtMs.value,
    failingSinceMs: failingSinceMs.value,
    pollEverySeconds: pollSeconds(ttlSeconds.value),
  }),
);

/** What the hub said instead of the matrix; undefined while nothing is wrong. */
export const loadRefusal: ReadonlySignal<string | undefined> = refusal;

/** Every event but the patches. @public */
export function onEvent(listener: (event: Event) => void): void {
  listeners.push(listener);
}

/** From now on for as long as the page is open: whenever there is a session, the hub is followed. */
export function followHub(): void {
  effect(() => {
    if (session.value === 'signed-in') connect();
    else leave();
  });
  addEventListener('online', tryNow);
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') tryNow();
  });
  void pollWhileBehind();
}

/** Somebody asks not to wait for the next attempt. */
export function tryNow(): void {
  if (session.peek() !== 'signed-in' || isStreaming.peek()) return;
  attempt = 0;
  connect();
  void loadNow();
}

function connect(): void {
  clearTimeout(timer);
  if (socket !== undefined) return;
  socket = new EventSocket(lastId, {
    opened: () => {
      attempt = 0;
      // What was loaded before the stream began may lack what happened between.
      const own = socket;
      void loadNow().then(() => {
        // It may have ended meanwhile, and another one be on its way.
        if (own === undefined || socket !== own) return;
        if (failingSinceMs.peek() === undefined) isStreaming.value = true;
        else own.end();
      });
    },
    event: hear,
    closed: () => {
      socket = undefined;
      isStreaming.value = false;
      if (session.peek() !== 'signed-in') return;
      attempt += 1;
      timer = setTimeout(connect, backoffMs(attempt, Math.random()));
      // Whether the hub is there at all, and still knows us, a socket does not say.
      void loadNow();
    },
  });
}

function leave(): void {
  clearTimeout(timer);
  socket?.end();
}

function hear(event: Event): void {
  lastId = event.id ?? lastId;
  answeredAtMs.value = hubTime();
  if (event.kind === PATCH) {
    if (!v.is(PatchSchema, event.payload)) return void loadNow();
    const isWaiting = intake.take(event.payload, loading !== undefined);
    if (isWaiting && loading === undefined && againTimer === undefined) void loadNow();
    return;
  }
  if (event.kind === 'stream.gap') void loadNow();
  for (const listener of listeners) listener(event);
}

/** One at a time; what is asked for meanwhile is answered by the next one. */
async function loadNow(): Promise<void> {
  if (loading !== undefined) {
    await loading;
    if (loading !== undefined) return loading;
  }
  loading = loadOnce();
  await loading;
}

async function loadOnce(): Promise<void> {
  clearTimeout(againTimer);
  againTimer = undefined;
  const answer = await ask('state/runtime_matrix', MatrixSchema);
  loading = undefined;
  switch (answer.kind) {
    case 'ok':
      answeredAtMs.value = hubTime();
      failingSinceMs.value = undefined;
      refusal.value = undefined;
      if (intake.loaded(answer.value)) againTimer = setTimeout(() => void loadNow(), LOAD_AGAIN_MS);
      return;
    case 'signed-out':
      return sessionIsOver();
    case 'refused':
      refusal.value = answer.told;
      failingSinceMs.value ??= hubTime();
      return;
    case 'unreachable':
      failingSinceMs.value ??= hubTime();
      return;
    default:
      answer satisfies never;
  }
}

/** Also a stream is not enough where a load that it needed was not answered. */
async function pollWhileBehind(): Promise<never> {
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, pollSeconds(ttlSeconds.peek()) * 1000));
    if (session.peek() === 'signed-in' && (!isStreaming.peek() || intake.isWaiting)) await loadNow();
  }
}
