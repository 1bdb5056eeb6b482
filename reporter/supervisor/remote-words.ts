// Owns the words for an endpoint elsewhere: what was seen -> the status that crosses the wire.

import type { RuntimeStatus } from '../../contract/runtime-record.ts';
import { spokenLine } from '../../contract/status.ts';
import {
  severityLabel,
  severityOfState,
  stateLabel,
  type RuntimeState,
  type Severity,
} from '../../contract/words.ts';
import type { Remote, RemoteSight } from '../backends/remote.ts';

type Words = { state: RuntimeState; severity?: Severity; summary: string; detail?: string[] };

/** @param sight undefined before the first look. */
export function describeRemote(
  remote: Remote,
  sight: RemoteSight | undefined,
  updatedAtMs: number,
): RuntimeStatus {
  const words = wordsFor(remote, sight);
  const severity = words.severity ?? severityOfState(words.state);
  const egress = remote.optIn ? [`Requests leave this host for ${remote.egress}${howSafe(remote)}`] : [];
  return {
    id: remote.descriptor.id,
    state: words.state,
    state_label: stateLabel(words.state),
    severity,
    severity_label: severityLabel(severity),
    summary: spokenLine(words.summary),
    detail: [...(words.detail ?? []), ...egress].map(spokenLine),
    updated_at: new Date(updatedAtMs).toISOString(),
    ...(sight?.kind === 'answers' && { health: { latency_ms: Math.round(sight.latencyMs * 10) / 10 } }),
  };
}

function wordsFor(remote: Remote, sight: RemoteSight | undefined): Words {
  if (!remote.optIn) {
    const summary = `Off: set opt_in = true in its [runtimes.remote] to let requests leave for ${remote.egress}`;
    return { state: 'offline', severity: 'info', summary };
  }
  if (remote.endpoint === undefined) {
    const summary = `Key missing: set ${remote.keyVariable} in the reporter's environment and start it again`;
    return { state: 'error', summary };
  }
  if (sight === undefined) return { state: 'unknown', summary: 'Not looked at yet' };
  if (sight.kind === 'fails') return { state: 'degraded', summary: `Probe failing (${sight.reason})` };
  const { models, listed } = sight;
  if (listed === 0 && remote.wantedModels !== undefined) {
    return { state: 'degraded', summary: 'It lists none of the models that remote.models names' };
  }
  if (listed === models.length) return { state: 'ready', summary: 'Ready' };
  const more = `${models.length} of ${listed} models are told; name those that matter in remote.models`;
  return { state: 'ready', summary: 'Ready', detail: [more] };
}

function howSafe({ encrypted, keyVariable }: Remote): string {
  if (encrypted) return '';
  return keyVariable === undefined ? ', unencrypted' : ', unencrypted, the key with them';
}
