// Owns the alerts on this page: as the hub has them, and the last turn of each that somebody asked for here. No event tells
// of an alert, so the hub is asked for as long as somebody looks, and sooner where an event may have begun or ended a problem.

import { signal, type ReadonlySignal } from '@preact/signals';
import { asItIs } from '../../contract/alert-words.ts';
import type { Alert, AlertRequest } from '../../contract/alerts.ts';
import type { Event } from '../../contract/events.ts';
import {
  deleteAlert,
  postTest,
  putAlert,
  readAlert,
  readAlerts,
  type Told,
} from '../connection/alert-requests.ts';
import { openingNews } from '../view-model/alert-facts.ts';
import { lookAgainMs, setTurn, switchTurn, testTurn, type Turn } from '../view-model/alert-turns.ts';

/** What is told of a problem is decided with its event; an answer that comes sooner would not know of it. */
const AFTER_EVENT_MS = 700;

/** These begin problems, and end them. */
const HEEDED = ['runtime.state.', 'runtime.budget.', 'node.'];

const known = signal<readonly Alert[] | undefined>(undefined);
const fault = signal<string | undefined>(undefined);
const latest = signal<ReadonlyMap<string, Turn>>(new Map());
const news = signal({ count: 0, words: '' });

/** Undefined until they were read for the first time. */
export const alerts: ReadonlySignal<readonly Alert[] | undefined> = known;
/** Why they could not be read when they were last asked for. */
export const alertsFault: ReadonlySignal<string | undefined> = fault;
export const turns: ReadonlySignal<ReadonlyMap<string, Turn>> = latest;
/** What is to be said aloud; counted, so that the same words are said again. */
export const alertNews: ReadonlySignal<{ count: number; words: string }> = news;

let watchers = 0;
let timer: ReturnType<typeof setTimeout> | undefined;
let isSoon = false;
let isAsking = false;
/** Read since somebody began to look. */
let isFollowed = false;
/** What was asked before a change was made tells what was before it. */
let changes = 0;

/** For as long as somebody looks. @returns the end of it */
export function watchAlerts(): () => void {
  watchers += 1;
  document.addEventListener('visibilitychange', lookWhenSeen);
  void lookAtAlerts();
  return () => {
    watchers -= 1;
    if (watchers > 0) return;
    isFollowed = false;
    document.removeEventListener('visibilitychange', lookWhenSeen);
    clearTimeout(timer);
  };
}

export async function lookAtAlerts(): Promise<void> {
  if (isAsking) return;
  clearTimeout(timer);
  isSoon = false;
  isAsking = true;
  const before = changes;
  const answer = await readAlerts();
  isAsking = false;
  if (before !== changes) return plan(0);
  fault.value = answer.ok ? undefined : answer.told;
  if (answer.ok) {
    // What happened while nobody looked is read with the page.
    const words = isFollowed ? openingNews(known.peek() ?? [], answer.value) : undefined;
    isFollowed = true;
    known.value = answer.value;
    if (words !== undefined) say(words);
  }
  // What happened while they were read may be missing in them.
  plan(isSoon ? AFTER_EVENT_MS : lookAgainMs(known.peek() ?? []));
}

/** Every event of the fleet comes by here. */
export function tellAlerts({ kind }: Event): void {
  if (isSoon || !HEEDED.some((prefix) => kind.startsWith(prefix))) return;
  isSoon = true;
  plan(AFTER_EVENT_MS);
}

/** @returns why not, for whoever asked. */
export async function setAlert(id: string, request: AlertRequest): Promise<string | undefined> {
  return setIs(id, await putAlert(id, request));
}

/**
 * @param requestOf what to ask for of it as it is now: somebody else may have changed it since it was read here
 * @returns why not, for whoever asked.
 */
export async function changeAlert(id: string, requestOf: RequestOf): Promise<string | undefined> {
  return setIs(id, await changed(id, requestOf));
}

export async function switchAlert(id: string, enabled: boolean): Promise<void> {
  const answer = await changed(id, (now) => ({ ...asItIs(now), enabled }));
  if (answer.ok) put(answer.value);
  turned(id, switchTurn(id, enabled, answer.ok ? undefined : answer.told));
}

type RequestOf = (now: Alert) => AlertRequest;

async function changed(id: string, requestOf: RequestOf): Promise<Told<Alert>> {
  const now = await readAlert(id);
  return now.ok ? putAlert(id, requestOf(now.value)) : now;
}

function setIs(id: string, answer: Told<Alert>): string | undefined {
  if (!answer.ok) return answer.told;
  const isNew = put(answer.value);
  turned(id, setTurn(id, isNew));
  return undefined;
}

export async function removeAlert(id: string): Promise<string | undefined> {
  const answer = await deleteAlert(id);
  if (!answer.ok) return answer.told;
  changes += 1;
  known.value = known.peek()?.filter((alert) => alert.id !== id);
  const { [id]: _gone, ...left } = Object.fromEntries(latest.peek());
  latest.value = new Map(Object.entries(left));
  say(`Alert ${id} is removed`);
  return undefined;
}

export async function testAlert(id: string): Promise<void> {
  // One at a time of each: a second press must not tell the receiver twice.
  if (latest.peek().get(id)?.tone === 'busy') return;
  turned(id, testTurn(undefined));
  turned(id, testTurn(await postTest(id)));
}

/** @returns whether it was not there. */
function put(alert: Alert): boolean {
  changes += 1;
  const others = (known.peek() ?? []).filter(({ id }) => id !== alert.id);
  const isNew = others.length === (known.peek() ?? []).length;
  known.value = [...others, alert].toSorted((a, b) => (a.id < b.id ? -1 : 1));
  return isNew;
}

function turned(id: string, turn: Turn): void {
  latest.value = new Map(latest.peek()).set(id, turn);
  say(`${id}: ${turn.words}`);
}

function say(words: string): void {
  news.value = { count: news.peek().count + 1, words };
}

function plan(inMs: number): void {
  clearTimeout(timer);
  if (watchers > 0) timer = setTimeout(() => void lookUnlessHidden(), inMs);
}

async function lookUnlessHidden(): Promise<void> {
  // Nobody sees it; whoever comes back has it read at once.
  if (document.visibilityState === 'visible') await lookAtAlerts();
}

function lookWhenSeen(): void {
  void lookUnlessHidden();
}
