// Owns one uplink of a test: real, to a hub that the test names, with its log and its commands kept. It is stopped when
// the test is over.

import { onTestFailed, onTestFinished } from 'vitest';
import type { Command, CommandCancel } from '../../contract/command.ts';
import { Uplink } from '../../reporter/uplink/link.ts';
import type { RelayEars } from '../../reporter/uplink/socket-session.ts';
import type { UplinkTiming } from '../../reporter/uplink/timing.ts';
import { eventually } from './eventually.ts';
import { NODE_TOKEN } from './fake-hub.ts';
import { RecordedLog } from './recorded-log.ts';
import { snapshot } from './snapshot.ts';

export const NODE = 'gpu-01';
/** Waits that a test would have to sit out; the limits for what a hub must do stay as they are. */
const QUICK: Partial<UplinkTiming> = { reconnect: { baseMs: 5, capMs: 20 } };

type Wanted = {
  token?: string;
  timing?: Partial<UplinkTiming>;
  intervalMs?: number;
  /** Who is told of relayed requests; without it none is taken. */
  relay?: RelayEars;
};

export class Reporting {
  readonly log = new RecordedLog();
  readonly commands: Command[] = [];
  readonly uplink: Uplink;
  firstAccepted = 0;
  seq = 0;
  onCommand: (command: Command) => void = (command) => void this.commands.push(command);

  onCancel: (cancel: CommandCancel) => void = () => undefined;

  constructor(hub: URL, { token = NODE_TOKEN, timing, intervalMs = 60_000, relay }: Wanted = {}) {
    this.uplink = new Uplink(
      {
        hub,
        node: NODE,
        token,
        bootId: 'boot-1',
        version: '0.1.0',
        log: this.log,
        snapshot: () => JSON.stringify(snapshot({ node: NODE, seq: (this.seq += 1) })),
        onCommand: (command) => this.onCommand(command),
        onCancel: (cancel) => this.onCancel(cancel),
        ...(relay && { relay }),
        onFirstAccepted: () => (this.firstAccepted += 1),
        timing: { ...QUICK, ...timing },
      },
      intervalMs,
    );
    onTestFailed(() => {
      process.stderr.write(`${this.log.text()}\n`);
    });
    onTestFinished(() => this.uplink.stop());
    this.uplink.start();
  }

  async accepted(): Promise<void> {
    await eventually('the first snapshot is accepted', () => this.firstAccepted > 0);
  }

  async logs(text: string): Promise<void> {
    await eventually(`the log says "${text}"`, () => this.log.text().includes(text));
  }
}
