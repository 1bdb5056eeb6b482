// Owns asking the hub about alerts: read, set, removed, tried. What goes wrong is a sentence that says what to do.

import * as v from 'valibot';
import {
  AlertSchema,
  AlertsSchema,
  AlertTestedSchema,
  type Alert,
  type AlertRequest,
  type AlertTested,
} from '../../contract/alerts.ts';
import { ask, type Answer } from './ask.ts';
import { sessionIsOver } from './session.ts';

export type Told<T> = { ok: true; value: T } | { ok: false; told: string };

export async function readAlerts(): Promise<Told<readonly Alert[]>> {
  const answer = toldOf(await ask('alerts', AlertsSchema));
  return answer.ok ? { ok: true, value: answer.value.alerts } : answer;
}

export async function readAlert(id: string): Promise<Told<Alert>> {
  return toldOf(await ask(pathOf(id), AlertSchema));
}

export async function putAlert(id: string, request: AlertRequest): Promise<Told<Alert>> {
  return toldOf(await ask(pathOf(id), AlertSchema, { method: 'PUT', body: request }));
}

export async function deleteAlert(id: string): Promise<Told<unknown>> {
  return toldOf(await ask(pathOf(id), v.unknown(), { method: 'DELETE' }));
}

/** It takes as long as the receiver does, at most 10 s. */
export async function postTest(id: string): Promise<Told<AlertTested>> {
  return toldOf(await ask(`${pathOf(id)}/test`, AlertTestedSchema, { method: 'POST' }));
}

function pathOf(id: string): string {
  return `alerts/${encodeURIComponent(id)}`;
}

function toldOf<T>(answer: Answer<T>): Told<T> {
  switch (answer.kind) {
    case 'ok':
      return { ok: true, value: answer.value };
    case 'refused':
      return { ok: false, told: answer.told };
    case 'unreachable':
      return { ok: false, told: 'the hub does not answer; try again' };
    case 'signed-out':
      sessionIsOver();
      return { ok: false, told: 'the session is over; sign in again' };
    default:
      return answer satisfies never;
  }
}
