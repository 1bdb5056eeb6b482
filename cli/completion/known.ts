// Owns the values that a hub or the profile file knows: asked for quickly and quietly, since a person waits and did not ask.

import * as v from 'valibot';
import { hostOf, shapeWords } from '../../contract/alert-words.ts';
import { AlertsSchema } from '../../contract/alerts.ts';
import { JobsSchema } from '../../contract/command.ts';
import { EVENT_KINDS } from '../../contract/events.ts';
import { NodesSchema, SupervisorSchema, type SupervisorRecord } from '../../contract/read-models.ts';
import type { ValueSource } from '../grammar/values.ts';
import { askHub, type Hub } from '../hub-client.ts';
import { profilePath, readProfiles } from '../settings/profile-file.ts';
import { hubFrom } from '../settings/settings.ts';
import type { Candidate, Wanted } from './candidates.ts';

/** Longer than a hub on another continent takes, shorter than a person wonders. */
const WITHIN_MS = 2_500;

type Environment = Readonly<Record<string, string | undefined>>;

/** @throws where a hub or a file cannot be read. */
export async function known(
  source: ValueSource,
  given: Wanted['given'],
  env: Environment,
): Promise<Candidate[]> {
  if (source === 'event') return EVENT_KINDS.map((value) => ({ value, words: '' }));
  if (source === 'profile') {
    const { profiles } = await readProfiles(profilePath(env));
    return Object.entries(profiles).map(([value, { hub }]) => ({ value, words: hub }));
  }
  const hub = { ...(await hubFrom(given, env)), signal: AbortSignal.timeout(WITHIN_MS) };
  switch (source) {
    case 'node': {
      const { nodes } = await read(hub, 'state/nodes', NodesSchema);
      return nodes.map(({ node }) => ({ value: node, words: '' }));
    }
    case 'runtime': {
      const { runtimes } = await read(hub, 'state/runtime_supervisor', SupervisorSchema);
      return runtimes.map((record) => ({ value: nameOf(record), words: record.status.state_label }));
    }
    case 'model': {
      const models = (await meant(hub, given)).flatMap(({ descriptor }) => descriptor.models ?? []);
      return [
        ...new Map(models.map((model) => [model.id, { value: model.id, words: model.state }])).values(),
      ];
    }
    case 'preset': {
      const names = (await meant(hub, given)).flatMap(({ descriptor }) => descriptor.presets ?? []);
      return [...new Set(names)].map((value) => ({ value, words: '' }));
    }
    case 'job': {
      const { jobs } = await read(hub, 'state/jobs?limit=50', JobsSchema);
      return jobs.map((job) => ({
        value: job.job_id,
        words: `${job.kind} ${job.node}/${job.runtime_id}, ${job.state}`,
      }));
    }
    case 'alert': {
      const { alerts } = await read(hub, 'alerts', AlertsSchema);
      return alerts.map((alert) => ({
        value: alert.id,
        words: `${shapeWords(alert.shape)} at ${hostOf(alert)}`,
      }));
    }
    default:
      return source satisfies never;
  }
}

/** The runtime that `--id` names, else all of them. */
async function meant(hub: Hub, { id }: Wanted['given']): Promise<SupervisorRecord[]> {
  const { runtimes } = await read(hub, 'state/runtime_supervisor', SupervisorSchema);
  return runtimes.filter(
    (record) => id === undefined || id === nameOf(record) || id === record.descriptor.id,
  );
}

async function read<T>(hub: Hub, path: string, schema: v.GenericSchema<unknown, T>): Promise<T> {
  return v.parse(schema, (await askHub(hub, 'GET', path)).body);
}

function nameOf({ node, descriptor }: SupervisorRecord): string {
  return `${node}/${descriptor.id}`;
}
