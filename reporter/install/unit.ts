// Owns the text of the systemd unit and of its environment file. Pure: what is asked for in, files out.

export type UnitOptions = {
  scope: 'user' | 'system';
  /** The program and its arguments, each an absolute path where it is one. */
  exec: readonly string[];
  environmentFile: string;
  stateDir: string;
  /** Of a system service. */
  account: Account | undefined;
};

export type Account = { name: string; uid: number; gid: number; home: string };

const HARDENED = `# No program of it gains rights by being started. (Rootless podman needs newuidmap, which does: set this to no
# where a runtime has the sandbox "container".)
NoNewPrivileges=yes
# Nothing here makes programs for others to run under its account, or changes how the kernel runs them.
RestrictSUIDSGID=yes
LockPersonality=yes
# Logs, credentials and the journal are for this account alone.
UMask=0077`;

/** What needs a mount namespace, and so a manager with the rights of the system. */
function systemHardening(stateDir: string, home: string): string {
  return `# The models that it starts live in this sandbox too, and longer than it. Therefore:
# - everything is read-only but what is named; /tmp is named, since PrivateTmp= would be removed under running models;
ProtectSystem=strict
ReadWritePaths=${path(stateDir)} /tmp /var/tmp
# - models often lie in a home, so homes can be read; caches of Hugging Face and CUDA may be written where there are any;
ProtectHome=read-only
ReadWritePaths=-${path(`${home}/.cache`)} -${path(`${home}/.nv`)}
# - no PrivateDevices=, no DevicePolicy=: GPUs are devices; no MemoryDenyWriteExecute=: V8 and CUDA compile;
#   no RestrictNamespaces=: the sandbox "bwrap" makes namespaces; no PrivateNetwork=: models serve, and hubs are asked;
# - no ProtectKernelLogs=, ProtectHostname=, ProtectKernelTunables=: they mount over parts of /proc, and the kernel then lets
#   no sandbox have a /proc of its own;
# - no ProtectClock=: before systemd 252 it closes all devices but the clock's. It needs CAP_SYS_TIME, which is gone.
ProtectKernelModules=yes
ProtectControlGroups=yes
RestrictRealtime=yes
CapabilityBoundingSet=
AmbientCapabilities=`;
}

const MAKE_GPU_NODES = `# CUDA makes its device nodes with a helper that NoNewPrivileges= would stop: made here, with the rights for it. The
# minus lets hosts without it pass.
ExecStartPre=+-/usr/bin/nvidia-modprobe -u -c=0
`;

const USER_HARDENING = `# A user's manager may not make the mounts that ProtectSystem= and its like need, on many systems; this account is
# the border. "arw-reporter install --system" has them.`;

export function unitText(options: UnitOptions): string {
  const { scope, exec, environmentFile, stateDir, account } = options;
  const isSystem = scope === 'system';
  return `# Written by "arw-reporter install"; "systemctl ${isSystem ? '' : '--user '}edit arw-reporter" adds to it.

[Unit]
Description=Runtime Matrix reporter: supervises local inference
${isSystem ? 'Wants=network-online.target\nAfter=network-online.target\n' : ''}RequiresMountsFor=${path(stateDir)}
# It tries for ever: a reporter that is given up supervises nothing.
StartLimitIntervalSec=0

[Service]
# Ready when supervision has begun, not when the hub answers: the hub may be away.
Type=notify
# Node cannot speak to systemd itself; systemd-notify, which it starts, speaks for it. Models get no NOTIFY_SOCKET.
NotifyAccess=all
ExecStart=${exec.map(word).join(' ')}
${isSystem ? MAKE_GPU_NODES : ''}# Reads the manifest again; only what changed is touched.
ExecReload=/bin/kill -HUP $MAINPID
EnvironmentFile=${path(environmentFile)}
${account === undefined ? '' : `User=${account.name}\n`}
# Models outlive it: a stop, an upgrade, a crash or a watchdog's kill ends the reporter alone, and the next one adopts
# what runs. systemd then notes left-over processes in the log: those are the models. To end them too:
# "arw-cli runtime shutdown", or --stop-children in ExecStart= with KillMode=mixed.
KillMode=process
# A model that runs out of memory is the reporter's to restart, and no reason to stop it all.
OOMPolicy=continue
Restart=always
RestartSec=2
# Settings or a manifest that cannot be used: another start would not change that.
RestartPreventExitStatus=2
# A main loop that hangs for this long is replaced.
WatchdogSec=60
TimeoutStartSec=60
TimeoutStopSec=20
# Models have many threads and mapped files, and some lock themselves into memory (--mlock).
TasksMax=infinity
LimitNOFILE=65536
${isSystem ? 'LimitMEMLOCK=infinity\n' : ''}
${HARDENED}
${account === undefined ? USER_HARDENING : systemHardening(stateDir, account.home)}

[Install]
WantedBy=${isSystem ? 'multi-user.target' : 'default.target'}
`;
}

/** Settings of this host. The node's token is not among them: it is in the state directory. */
export function environmentText(settings: Readonly<Record<string, string>>): string {
  const lines = Object.entries(settings).map(
    ([name, value]) => `${name}="${value.replaceAll(/["\\$`]/g, '\\$&')}"`,
  );
  return `# Read by the unit arw-reporter.service; restart it after a change.\n${lines.join('\n')}\n`;
}

/** One argument as systemd reads it: percent signs and dollars doubled, quoted where it must be. */
function word(text: string): string {
  const plain = text.replaceAll('%', '%%').replaceAll('$', '$$$$');
  return /^[\w@%+=:,./$-]+$/.test(plain) ? plain : `"${plain.replaceAll(/["\\]/g, '\\$&')}"`;
}

/** A path where systemd expands specifiers but no variables. */
function path(text: string): string {
  const plain = text.replaceAll('%', '%%');
  return /\s/.test(plain) ? `"${plain}"` : plain;
}
