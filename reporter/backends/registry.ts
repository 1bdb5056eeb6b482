// Owns the way from a manifest entry to the backend that its `adapter` names.

import type { RuntimeDescriptor } from '../../contract/runtime-record.ts';
import type { RuntimeEntry } from '../manifest-schema.ts';
import type { Backend } from './backend.ts';
import { healthCheck } from './health-check.ts';
import { llamaCppBackend } from './llama-cpp.ts';
import { onnxBackend } from './onnx.ts';
import { processBackend } from './process.ts';
import { remoteOf, type Environment, type Remote } from './remote.ts';
import { vllmBackend } from './vllm.ts';
import { whisperBackend } from './whisper.ts';

export type BackendDefaults = { llamaServer: string };

export function makeBackend(entry: RuntimeEntry, defaults: BackendDefaults): Backend {
  const descriptor = descriptorOf(entry);
  switch (entry.adapter) {
    case 'llama.cpp':
      return llamaCppBackend(entry, descriptor, defaults.llamaServer, Date.now);
    case 'vllm':
      return vllmBackend(entry, descriptor, Date.now);
    case 'whisper.cpp':
      return whisperBackend(entry, descriptor);
    case 'onnx':
      return onnxBackend(entry, descriptor);
    case 'process':
      return processBackend(entry, descriptor, healthCheck(entry.process.health, ''));
    case 'remote':
      throw new Error(`${entry.id} has no process; makeRemote is its way`);
    default:
      return entry.adapter satisfies never;
  }
}

/** Undefined for a runtime that is a process of this host. */
export function makeRemote(entry: RuntimeEntry, env: Environment): Remote | undefined {
  const { remote } = entry;
  if (entry.adapter !== 'remote' || remote === undefined) return undefined;
  const { sandbox: _process, ...descriptor } = descriptorOf(entry);
  return remoteOf({ ...entry, remote }, descriptor, env);
}

/** What an adapter takes that takes no text. */
const MODALITIES: Partial<Record<RuntimeEntry['adapter'], string[]>> = {
  'whisper.cpp': ['audio'],
  onnx: ['embeddings'],
};

function descriptorOf(entry: RuntimeEntry): RuntimeDescriptor {
  return {
    id: entry.id,
    name: entry.name ?? entry.id,
    adapter: entry.adapter,
    profile: entry.profile ?? 'default',
    modalities: entry.modalities ?? MODALITIES[entry.adapter] ?? ['text'],
    ...(entry.accelerator && { accelerator: entry.accelerator }),
    ...(entry.tags && { tags: entry.tags }),
  };
}
