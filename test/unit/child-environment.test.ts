// What a child inherits: the host's environment without our secrets and without what would change a llama-server.

import { expect, test } from 'vitest';
import { childEnvironment } from '../../reporter/supervisor/child.ts';

test.each([
  'ARW_JOIN_TOKEN',
  'ARW_ADMIN_TOKEN',
  'ARW_HUB_URL',
  'LLAMA_ARG_PORT',
  'LLAMA_ARG_MODEL',
  'LLAMA_SERVER_ROUTER_PORT',
  'LLAMA_API_KEY',
  'VLLM_API_KEY',
  'NOTIFY_SOCKET',
  'WATCHDOG_USEC',
  'WATCHDOG_PID',
])('%s stays here', (name) => {
  expect(childEnvironment({ [name]: 'x', PATH: '/bin' }, {})).toEqual({ PATH: '/bin' });
});

test.each([
  'PATH',
  'HOME',
  'CUDA_VISIBLE_DEVICES',
  'HF_TOKEN',
  'LD_LIBRARY_PATH',
  'MY_ARW_THING',
  'LLAMA_CACHE',
])('%s goes along', (name) => {
  expect(childEnvironment({ [name]: 'x' }, {})).toEqual({ [name]: 'x' });
});

test('what the manifest says wins, whatever its name', () => {
  const own = { PATH: '/opt/bin', LLAMA_ARG_THREADS: '4', LLAMA_API_KEY: 'key' };
  expect(childEnvironment({ PATH: '/bin', LLAMA_ARG_THREADS: '8' }, own)).toEqual(own);
});

test('what is not set is not there', () => {
  expect(childEnvironment({ A: undefined, B: '' }, {})).toEqual({ B: '' });
});
