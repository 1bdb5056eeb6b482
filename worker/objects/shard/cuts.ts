// Owns the ready-made views of a shard: cut when asked for, shown again while they are true or young enough.

import { CUT_WINDOW_MS, nextVersion, showableMs, type CutState } from '../../domain/cut.ts';
import type { CutName } from '../../domain/etag.ts';
import { fragmentsOf, shownNodes, type CutQuery, type Fragment } from '../../domain/fragment.ts';
import { changesAt } from '../../domain/freshness.ts';
import { earliest } from '../../domain/next-alarm.ts';
import type { Place } from '../../domain/shard-of.ts';
import type { NodeView, ViewTime } from '../../domain/view.ts';
import type { Cut, Page } from '../rpc.ts';
import { joinedStream, joinedText } from './fragment-bytes.ts';

/** Filters make many views; the oldest ones make room. */
const MAX_CUTS = 32;
const MAX_KEPT_BYTES = 8 * 1024 * 1024;

/** Up to this size who asks holds the cuts of all shards whole; what is larger is a stream, and a page ends there. */
const WHOLE_MAX_BYTES = 4 * 1024 * 1024;

const NOTHING = new Uint8Array();

/** A large cut holds the nodes as they were, and makes its bytes while they are read. */
type Content =
  | { kind: 'whole'; bytes: Uint8Array; page?: Page }
  | { kind: 'large'; nodes: NodeView[]; time: ViewTime };

type Made = CutState & { name: CutName; content: Content };

export class Cuts {
  readonly #ttlSeconds: number;
  readonly #onTouch: () => void;
  readonly #epoch = crypto.randomUUID().slice(0, 8);
  readonly #cuts = new Map<string, Made>();
  #version = 0;
  #revision = 0;
  /** When the newest large cut was made; undefined where none is kept. */
  #largeAt: number | undefined;

  /** @param onTouch hears of each `touch`. */
  constructor(ttlSeconds: number, onTouch: () => void) {
    this.#ttlSeconds = ttlSeconds;
    this.#onTouch = onTouch;
  }

  /** Something that a view shows has changed. */
  touch(): void {
    this.#revision += 1;
    this.#onTouch();
    if (this.#largeAt !== undefined && Date.now() - this.#largeAt >= CUT_WINDOW_MS) this.#dropLarge();
  }

  /** `views` are those of the nodes that live at the place. */
  cut(asked: { query: CutQuery; place: Place }, views: () => NodeView[], now: number): Cut {
    const key = JSON.stringify(asked);
    const before = this.#cuts.get(key);
    const showable = before && showableMs(before, this.#revision, now);
    if (before !== undefined && showable !== undefined) return answerWith(asked.query, before, showable);
    const made = this.#make(asked, views(), now);
    this.#cuts.delete(key);
    this.#cuts.set(key, made);
    this.#makeRoom();
    return answerWith(asked.query, made, showableMs(made, this.#revision, now) ?? 0);
  }

  #make({ query, place }: { query: CutQuery; place: Place }, views: NodeView[], now: number): Made {
    this.#version = nextVersion(this.#version, now);
    const time = { ttlSeconds: this.#ttlSeconds, now };
    const content = contentOf(query, shownNodes(views, query, time), time, WHOLE_MAX_BYTES / place.shards);
    if (content.kind === 'large') this.#largeAt = now;
    return {
      name: { epoch: this.#epoch, version: this.#version },
      at: now,
      revision: this.#revision,
      changesAt: earliest(views.map((view) => changesAt(view, this.#ttlSeconds, now))),
      content,
    };
  }

  #makeRoom(): void {
    let size = 0;
    for (const { content } of this.#cuts.values())
      size += content.kind === 'whole' ? content.bytes.length : 0;
    for (const [key, { content }] of this.#cuts) {
      if (this.#cuts.size <= 1 || (this.#cuts.size <= MAX_CUTS && size <= MAX_KEPT_BYTES)) return;
      if (content.kind === 'whole') size -= content.bytes.length;
      this.#cuts.delete(key);
    }
  }

  /** What its nodes said before they spoke again would be kept for nobody. */
  #dropLarge(): void {
    for (const [key, { content }] of this.#cuts) if (content.kind === 'large') this.#cuts.delete(key);
    this.#largeAt = undefined;
  }
}

function contentOf(query: CutQuery, nodes: NodeView[], time: ViewTime, maxBytes: number): Content {
  const fragments: Fragment[] = [];
  let length = 0;
  for (const fragment of fragmentsOf(nodes, query, time)) {
    fragments.push(fragment);
    length += fragment.text.length;
    if (length <= maxBytes) continue;
    if (query.page === undefined) return { kind: 'large', nodes, time };
    return { kind: 'whole', bytes: NOTHING, page: { fragments, isCutShort: true } };
  }
  if (query.page !== undefined) {
    return { kind: 'whole', bytes: NOTHING, page: { fragments, isCutShort: false } };
  }
  return { kind: 'whole', bytes: joinedText(fragments) };
}

function answerWith(query: CutQuery, { name, at, content }: Made, showable: number): Cut {
  const cut = { name, at, showableMs: showable };
  if (content.kind === 'large') {
    return { ...cut, body: joinedStream(fragmentsOf(content.nodes, query, content.time)) };
  }
  return { ...cut, body: content.bytes, ...(content.page && { page: content.page }) };
}
