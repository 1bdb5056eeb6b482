// Owns what a shard holds of one node: its last word, as the text that it was told in where that can be read by its
// figures. A snapshot is made of the text when somebody looks: a heartbeat that nobody looks at costs its bytes.

import type { Snapshot } from '../../../contract/snapshot.ts';
import { retold, toldBy, type Retold, type Told } from '../../domain/heartbeat.ts';
import type { LastWord } from '../../domain/ingest.ts';
import type { Written } from '../../domain/material.ts';
import type { StoredSnapshot, Transport } from '../store/shard-store.ts';

/** A word that was parsed, and the text of its snapshot where there is one. */
export type Heard = StoredSnapshot & { text?: string | undefined };

export class LiveNode implements StoredSnapshot {
  readonly node: string;
  readonly transport: Transport;
  readonly ttlSeconds: number | undefined;
  /** Another object for each word: what was made of one goes with it. */
  #snapshot: Snapshot | undefined;
  /** Of a word that was parsed: where its figures are is looked up when the next one comes. */
  #text: string | undefined;
  #told: Told | undefined;
  #receivedAt: number;
  #last: LastWord;
  #written: Written;

  /** @param last may be newer than the snapshot: after an eviction only the number of the last heartbeat is left of it. */
  constructor(heard: Heard, last: LastWord, written: Written) {
    const { snapshot, receivedAt, ttlSeconds, transport, text } = heard;
    this.node = snapshot.target;
    this.transport = transport;
    this.ttlSeconds = ttlSeconds;
    this.#snapshot = snapshot;
    this.#receivedAt = receivedAt;
    this.#last = last;
    this.#written = written;
    this.#text = text;
  }

  get snapshot(): Snapshot {
    // It is known to be one only where there is a text to make it of.
    return (this.#snapshot ??= JSON.parse(this.#told?.text ?? ''));
  }

  /** The snapshot as JSON. */
  get body(): string {
    return this.#told?.text ?? JSON.stringify(this.snapshot);
  }

  get receivedAt(): number {
    return this.#receivedAt;
  }

  get last(): LastWord {
    return this.#last;
  }

  get written(): Written {
    return this.#written;
  }

  /** The last word with other figures; undefined where the text may be another word, or an old one. */
  retold(text: string): Retold | undefined {
    if (this.#text !== undefined) {
      this.#told = toldBy(this.#text);
      this.#text = undefined;
    }
    const again = this.#told && retold(this.#told, text);
    return again !== undefined && again.seq > this.#last.seq ? again : undefined;
  }

  /** Takes what `retold` gave. */
  heard({ told, seq }: Retold, now: number): void {
    this.#snapshot = undefined;
    this.#told = told;
    this.#receivedAt = now;
    this.#last = { bootId: this.#last.bootId, seq };
  }

  wrote(now: number): void {
    this.#written = { ...this.#written, writtenAt: now };
  }
}
