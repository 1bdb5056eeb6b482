// Owns what an installation consists of: which files, for whom, and the commands that follow. Pure.

import { join } from 'node:path';
import type { Manifest } from '../manifest-schema.ts';
import { environmentText, unitText, type Account } from './unit.ts';

export const UNIT = 'arw-reporter.service';

export type InstallOptions = {
  scope: 'user' | 'system';
  node: string;
  hub: URL;
  manifestPath: string;
  stateDir: string;
  configHome: string;
  /** How this program is started: Node and the script. */
  program: readonly string[];
  /** For a system service. */
  account: Account | undefined;
  /** Handed on to the service where it is set. */
  env: Readonly<Record<string, string | undefined>>;
  enrolled: boolean;
  /** Variables that the manifest says hold keys. */
  keyVariables: readonly string[];
};

export type PlannedFile = { path: string; text: string; mode: number };
export type Plan = {
  unit: PlannedFile;
  environment: PlannedFile;
  next: string[];
  activate: string[][];
  missingKeys: string[];
};

const HANDED_ON = [
  'LLAMA_SERVER_BIN',
  'ARW_RUNTIME_RESTART_MAX',
  'ARW_RUNTIME_RESTART_WINDOW_SEC',
  'ARW_GATEWAY_PORT',
  'OTEL_EXPORTER_OTLP_ENDPOINT',
  'OTEL_EXPORTER_OTLP_PROTOCOL',
  'OTEL_EXPORTER_OTLP_HEADERS',
  'OTEL_SERVICE_NAME',
  'OTEL_RESOURCE_ATTRIBUTES',
  'OTEL_METRIC_EXPORT_INTERVAL',
];

export function planInstall(options: InstallOptions): Plan {
  const { scope, account, env, stateDir, keyVariables } = options;
  const isSystem = scope === 'system';
  const units = isSystem ? '/etc/systemd/system' : join(options.configHome, 'systemd', 'user');
  const settings = isSystem ? '/etc/runtime-matrix' : join(options.configHome, 'runtime-matrix');
  const environmentFile = join(settings, 'arw-reporter.env');
  const handedOn = [...HANDED_ON, ...keyVariables].flatMap((name) => {
    const value = env[name];
    return value === undefined || value.trim() === '' ? [] : [[name, value] as const];
  });
  const missingKeys = keyVariables.filter((name) => !handedOn.some(([given]) => given === name));
  const systemctl = isSystem ? ['systemctl'] : ['systemctl', '--user'];
  const activate = [
    [...systemctl, 'daemon-reload'],
    [...systemctl, 'enable', '--now', 'arw-reporter'],
  ];
  return {
    unit: {
      path: join(units, UNIT),
      text: unitText({ scope, exec: [...options.program, 'run'], environmentFile, stateDir, account }),
      mode: 0o644,
    },
    environment: {
      path: environmentFile,
      text: environmentText({
        ARW_HUB_URL: options.hub.href,
        ARW_NODE_ID: options.node,
        ARW_MANIFEST: options.manifestPath,
        ARW_STATE_DIR: stateDir,
        // llama-server is looked for where it was found today: a service has a short PATH of its own.
        ...(env['PATH'] !== undefined && { PATH: env['PATH'] }),
        ...Object.fromEntries(handedOn),
      }),
      mode: 0o600,
    },
    next: [
      ...(options.enrolled ? [] : [enrolLine(options)]),
      ...(missingKeys.length === 0 ? [] : [keysLine(missingKeys, environmentFile, isSystem)]),
      activate.map((command) => command.join(' ')).join(' && '),
      ...(isSystem ? [`sudo arw-reporter status --state-dir ${stateDir}`] : []),
      ...(isSystem ? [] : ['loginctl enable-linger   # it and its models go on when you log out']),
    ],
    activate,
    missingKeys,
  };
}

/** The variables of the service's environment that this manifest says hold keys. */
export function keyVariablesOf({ gateway, runtimes }: Manifest): string[] {
  const ofGateway = gateway?.enabled === false ? undefined : gateway?.api_key_env;
  const ofRemotes = runtimes.map(({ remote }) => (remote?.opt_in === true ? remote.api_key_env : undefined));
  return [...new Set([ofGateway, ...ofRemotes])].filter((name) => name !== undefined);
}

/** Keys that were not to be had here; nobody else may read that file. */
function keysLine(names: readonly string[], file: string, isSystem: boolean): string {
  const lines = names.map((name) => `${name}="..."`).join(' and ');
  const what = names.length === 1 ? 'a key' : 'keys';
  return `${isSystem ? 'sudoedit' : '"${EDITOR:-vi}"'} ${file}   # add ${lines}, ${what} that the manifest names`;
}

function enrolLine({ account, hub, node, stateDir }: InstallOptions): string {
  const as = account === undefined ? '' : `sudo -u ${account.name} `;
  return `${as}env ARW_JOIN_TOKEN=... arw-reporter enroll --hub ${hub.href} --node ${node} --state-dir ${stateDir}`;
}
