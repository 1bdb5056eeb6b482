// Owns a reader of a followed log in a test: a real HTTP request whose events are kept, and which can go away.

import { request, type ClientRequest, type IncomingMessage } from 'node:http';
import { createParser } from 'eventsource-parser';
import { onTestFinished } from 'vitest';
import { eventually } from './eventually.ts';
import { ADMIN_TOKEN } from './hub.ts';

export type Heard = { event: string; id: string | undefined; data: string };

export class LogEvents {
  readonly events: Heard[] = [];
  readonly response: IncomingMessage;
  /** Resolves when the stream is over: in good order, or cut. */
  readonly over: Promise<'ended' | 'cut'>;
  readonly #request: ClientRequest;

  private constructor(sent: ClientRequest, response: IncomingMessage) {
    this.#request = sent;
    this.response = response;
    const parser = createParser({
      onEvent: ({ event = 'message', id, data }) => void this.events.push({ event, id, data }),
    });
    response.setEncoding('utf8');
    response.on('data', (text: string) => parser.feed(text));
    this.over = new Promise((resolve) => {
      response.once('end', () => resolve('ended'));
      response.once('error', () => resolve('cut'));
    });
    onTestFinished(() => this.leave());
  }

  /** Resolves with the answer's head. */
  static open(url: URL, token = ADMIN_TOKEN): Promise<LogEvents> {
    const sent = request(url, { agent: false, headers: { authorization: `Bearer ${token}` } });
    // A reader that leaves resets its own line.
    sent.on('error', () => undefined);
    sent.end();
    return new Promise((resolve) => {
      sent.once('response', (response) => resolve(new LogEvents(sent, response)));
    });
  }

  get lines(): string[] {
    return this.events.filter(({ event }) => event === 'log').map(({ data }) => data);
  }

  async linesWhere(isWanted: (lines: string[]) => boolean, what: string): Promise<string[]> {
    return eventually(what, () => (isWanted(this.lines) ? this.lines : undefined));
  }

  /** The data of the last event, once it is there. */
  async end(): Promise<unknown> {
    const last = await eventually('an event "end"', () => this.events.find(({ event }) => event === 'end'));
    return JSON.parse(last.data);
  }

  leave(): void {
    this.#request.destroy();
  }
}
