// The back-pressure of relayed bodies: nothing is sent that was not granted, what is held stays within the window, and
// neither side ever waits for the other for good.

import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { ReceiveCredit, RELAY_WINDOW_BYTES, SendCredit } from '../../contract/relay-credit.ts';
import { holds } from '../support/property.ts';

type Move = { what: 'send' | 'deliver' | 'read' | 'tell'; bytes: number };
const moves = fc.array(
  fc.record({
    what: fc.constantFrom<Move['what']>('send', 'deliver', 'read', 'tell'),
    bytes: fc.integer({ min: 1, max: RELAY_WINDOW_BYTES }),
  }),
  { maxLength: 200 },
);

test('what is on the way and unread never exceeds the window, and all of it gets through', () => {
  holds(
    fc.property(moves, (steps) => {
      const sender = new SendCredit();
      const reader = new ReceiveCredit();
      const line: number[] = [];
      const grants: number[] = [];
      let [sent, unread, read] = [0, 0, 0];
      let isRefused = false;
      const move = ({ what, bytes }: Move): void => {
        if (what === 'send' && sender.left > 0) {
          const now = Math.min(bytes, sender.left);
          sender.spend(now);
          sent += now;
          line.push(now);
        }
        if (what === 'deliver' && line.length > 0) {
          const now = line.shift() ?? 0;
          isRefused ||= !reader.receive(now);
          unread += now;
        }
        if (what === 'read' && unread > 0) {
          const now = Math.min(bytes, unread);
          unread -= now;
          read += now;
          grants.push(reader.read(now));
        }
        if (what === 'tell') sender.grant(grants.shift() ?? 0);
        expect(sent - read).toBeLessThanOrEqual(RELAY_WINDOW_BYTES);
      };
      for (const step of steps) move(step);
      // However far they got: once everything is delivered, read and told, there is room again.
      while (line.length > 0) move({ what: 'deliver', bytes: 1 });
      move({ what: 'read', bytes: RELAY_WINDOW_BYTES });
      while (grants.length > 0) move({ what: 'tell', bytes: 1 });
      expect(sender.left).toBeGreaterThan(RELAY_WINDOW_BYTES / 2);
      expect(sent).toBe(read);
      expect(isRefused).toBe(false);
    }),
  );
});

test('a peer that sends more than it was granted is found out, and one that grants too much moves nobody', () => {
  const reader = new ReceiveCredit();
  expect(reader.receive(RELAY_WINDOW_BYTES)).toBe(true);
  expect(reader.receive(1)).toBe(false);

  const sender = new SendCredit();
  sender.grant(2 ** 32 - 1);
  expect(sender.left).toBe(RELAY_WINDOW_BYTES);
  expect(() => sender.spend(RELAY_WINDOW_BYTES + 1)).toThrow('credit');
});
