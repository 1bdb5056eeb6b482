// Owns the check of the host-local gateway's port. A port that is taken stops no reporter, so it is a warning.

import { readGatewayPort, type Environment } from '../config.ts';
import { gatewaySettings } from '../gateway/settings.ts';
import { lockHolder } from '../lock.ts';
import type { Manifest } from '../manifest-schema.ts';
import { checkPort } from './ports.ts';
import { ok, skipped, type Finding } from './finding.ts';

export async function checkGateway(
  manifest: Manifest | undefined,
  env: Environment,
  stateDir: string,
): Promise<Finding[]> {
  if (manifest === undefined) return [skipped('gateway', 'once the manifest can be used')];
  const settings = gatewaySettings(manifest.gateway, readGatewayPort(env), env);
  if (settings === undefined) return [ok('gateway', 'switched off in the manifest')];
  if (settings.port === 0) return [ok('gateway', 'takes any free port')];
  const reporter = await lockHolder(stateDir).catch(() => undefined);
  const found = await checkPort('gateway', `http://127.0.0.1:${settings.port}`, reporter);
  return found.map((finding) =>
    finding.status === 'fail'
      ? { ...finding, status: 'warn', remedy: 'stop that one, or set gateway.port or ARW_GATEWAY_PORT' }
      : finding,
  );
}
