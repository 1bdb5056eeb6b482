// Reading the kernel's table of sockets: which entry takes connections to an address.

import { describe, expect, test } from 'vitest';
import { takes } from '../../system/listeners.ts';

describe('an entry of the table', () => {
  test.each([
    ['its own address', '0100007F:1F90', '127.0.0.1', 8080],
    ['localhost', '0100007F:1F90', 'localhost', 8080],
    ['any address', '00000000:1F90', '127.0.0.1', 8080],
    ['any address, IPv6', '00000000000000000000000000000000:1F90', '127.0.0.1', 8080],
    ['an IPv4 address in IPv6 clothes', '0000000000000000FFFF00000100007F:1F90', '127.0.0.1', 8080],
    ['the IPv6 loopback', '00000000000000000000000001000000:1F90', '::1', 8080],
  ])('takes connections to %s', (_what, local, host, port) => {
    expect(takes(local, host, port)).toBe(true);
  });

  test.each([
    ['another port', '0100007F:1F91', '127.0.0.1', 8080],
    ['another address', '0101A8C0:1F90', '127.0.0.1', 8080],
    ['a name that is not resolved here', '0100007F:1F90', 'gpu-01.example', 8080],
    ['nothing', '', '127.0.0.1', 8080],
  ])('takes none to %s', (_what, local, host, port) => {
    expect(takes(local, host, port)).toBe(false);
  });
});
