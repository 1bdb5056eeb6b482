// Owns acts on a hub as tests need them again and again: asked for, read as jobs, and taken by the node over both ways.

import * as v from 'valibot';
import { expect } from 'vitest';
import {
  CommandAcceptedSchema,
  JobSchema,
  type Command,
  type CommandAccepted,
  type Job,
} from '../../contract/command.ts';
import { HealthResponseSchema, type EnrollResponse } from '../../contract/node-api.ts';
import { until, type Hub } from './hub.ts';
import { snapshot } from './snapshot.ts';
import type { UplinkClient } from './uplink-client.ts';

export async function accepted(answer: Response): Promise<CommandAccepted> {
  expect(answer.status).toBe(202);
  return v.parse(CommandAcceptedSchema, await answer.json());
}

/** @param theHub which one it is, once it has been started. */
export function actingOn(theHub: () => Hub) {
  let seq = 0;

  async function act(
    runtime: string,
    kind = 'restore',
    body: unknown = {},
    headers: Record<string, string> = {},
  ): Promise<Response> {
    const path = `/orchestrator/runtimes/${encodeURIComponent(runtime)}/${kind}`;
    return theHub().ask(path, { method: 'POST', body, headers });
  }

  async function job(id: string): Promise<Job> {
    const answer = await theHub().ask(`/orchestrator/jobs/${encodeURIComponent(id)}`);
    return v.parse(JobSchema, await answer.json());
  }

  async function jobWhere(id: string, state: Job['state']): Promise<Job> {
    return until(
      () => job(id),
      (found) => found.state === state,
    );
  }

  /** A heartbeat over POST; the commands in its answer. */
  async function beat(node: string, token: string, bootId = 'boot-1'): Promise<Command[]> {
    seq += 1;
    const answer = await theHub().post(node, token, snapshot({ node, seq, bootId }));
    return v.parse(HealthResponseSchema, await answer.json()).commands;
  }

  async function progress(node: string, token: string, id: string, body: unknown): Promise<Response> {
    return theHub().ask(`/nodes/${node}/commands/${encodeURIComponent(id)}`, { method: 'POST', token, body });
  }

  async function enrolled(node: string): Promise<EnrollResponse> {
    const given = await theHub().enroll(node);
    await beat(node, given.token);
    return given;
  }

  async function linked(node: string): Promise<EnrollResponse & { client: UplinkClient }> {
    const given = await enrolled(node);
    return { ...given, client: await theHub().uplink(node, given.token) };
  }

  /** Waits until the hub has taken everything that was sent, and has sent everything that it had to. */
  async function settled(client: UplinkClient, node: string): Promise<void> {
    seq += 1;
    await client.report(snapshot({ node, seq }));
  }

  return { act, job, jobWhere, beat, progress, enrolled, linked, settled };
}
