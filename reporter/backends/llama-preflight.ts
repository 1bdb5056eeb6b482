// Owns the checks before a llama-server is launched: its program, its model or the places of its models, its port.

import type { LaunchSpec } from '../supervisor/child.ts';
import { endpointOf, modelFileOf, modelsSourceOf } from './llama-launch.ts';
import { commandFault, directoryFault, fileFault, portFault } from './preflight.ts';

export async function llamaFaults(spec: LaunchSpec): Promise<string[]> {
  const model = modelFileOf(spec);
  const { directory, preset } = modelsSourceOf(spec);
  const { hostname, port } = endpointOf(spec);
  const faults = await Promise.all([
    commandFault(spec),
    model === undefined ? undefined : fileFault(model, 'Model file', 'the -m argument'),
    directory === undefined
      ? undefined
      : directoryFault(directory, 'Models directory', 'the --models-dir argument'),
    preset === undefined ? undefined : fileFault(preset, 'Models preset', 'the --models-preset argument'),
    portFault(hostname, port),
  ]);
  return faults.filter((fault) => fault !== undefined);
}
