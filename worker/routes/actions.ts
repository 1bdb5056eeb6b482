// Owns actions over HTTP: asked for and answered with an id, or with the engine's own stream; read and cancelled by the id.

import { Hono, type Context } from 'hono';
import {
  ACTION_MAX_BYTES,
  ActionRequestSchema,
  type Action,
  type ChatInput,
} from '../../contract/actions.ts';
import { nodeOfJobId } from '../../contract/ids.ts';
import { problem } from '../../contract/problem.ts';
import { sha256 } from '../crypto.ts';
import { choose } from '../domain/choose-runtime.ts';
import type { Result } from '../domain/parse.ts';
import type { Env, HubEnv } from '../env.ts';
import { jsonBody } from '../middleware/body.ts';
import { idempotencyKey } from '../middleware/idempotency-key.ts';
import { onlyMethods } from '../middleware/method.ts';
import { actionRequest, askAll, placeFor, shardFor, type NodeShardRpc } from '../objects/stubs.ts';
import { problemResponse } from '../problem-response.ts';

export const actions = new Hono<HubEnv>();

actions.post('/', async (c) => {
  const body = await jsonBody(c, ActionRequestSchema, ACTION_MAX_BYTES);
  if (!body.ok) return problemResponse(body.problem);
  const key = idempotencyKey(c);
  if (!key.ok) return problemResponse(key.problem);
  const { input } = body.value;
  const target = await targetOf(c.env, input, key.value);
  if (!target.ok) return problemResponse(target.problem);
  const { node, chosen } = target.value;
  const { shard, place } = placeFor(c.env, node);
  const wish = {
    input,
    chosen,
    wantsStream: wantsStream(c),
    idempotencyKey: key.value,
    digest: key.value === undefined ? '' : await sha256(JSON.stringify(body.value)),
    place,
  };
  const answer = await shard.fetch(actionRequest(wish));
  if (!answer.ok && key.value !== undefined && place.shards > 1) {
    await shardFor(c.env, key.value).releaseActionKey(key.value, node);
  }
  return answer;
});
actions.all('/', onlyMethods('POST'));

actions.get('/:id', (c) => tell(c, (shard, node, id) => shard.action(node, id)));
actions.delete('/:id', (c) => tell(c, (shard, node, id) => shard.cancelAction(node, id)));
actions.all('/:id', onlyMethods('GET, DELETE'));

type Target = { node: string; chosen?: { node: string; runtime: string } };

/** The node whose shard takes the action. Where all nodes are in one shard, that chooses by itself. */
async function targetOf(env: Env, input: ChatInput, key: string | undefined): Promise<Result<Target>> {
  if (placeFor(env, '').place.shards === 1) return { ok: true, value: { node: input.node ?? '' } };
  const first = key === undefined ? undefined : await nodeUnderKey(env, key);
  if (first !== undefined) return { ok: true, value: { node: first } };
  const target = await chosenTarget(env, input);
  if (!target.ok || key === undefined) return target;
  // A key has a shard as a node has one: there it shows who was first.
  const { node } = target.value;
  const claimed = await shardFor(env, key).claimActionKey(key, node);
  return claimed === node ? target : { ok: true, value: { node: claimed } };
}

async function chosenTarget(env: Env, input: ChatInput): Promise<Result<Target>> {
  if (input.node !== undefined) return { ok: true, value: { node: input.node } };
  const wanted = { model: input.model };
  const offered = await askAll(env, (shard, place) => shard.offers(wanted, place));
  const offers = offered.flatMap((part) => part.offers);
  const known = offered.flatMap((part) => part.known);
  const chosen = choose(offers, wanted, known, Math.random());
  if (!chosen.ok) return chosen;
  const { node, runtime } = chosen.value;
  return { ok: true, value: { node, chosen: { node, runtime } } };
}

async function nodeUnderKey(env: Env, key: string): Promise<string | undefined> {
  return (await askAll(env, (shard) => shard.actionByKey(key))).find((node) => node !== null) ?? undefined;
}

function wantsStream(c: Context<HubEnv>): boolean {
  return /\btext\/event-stream\b/i.test(c.req.header('accept') ?? '');
}

/** Asks the shard of the node; then all, since the node may have lived elsewhere when the action was made. */
async function tell(
  c: Context<HubEnv>,
  ask: (shard: NodeShardRpc, node: string, id: string) => Promise<Action | null>,
): Promise<Response> {
  const id = c.req.param('id') ?? '';
  const node = nodeOfJobId(id);
  if (node !== undefined) {
    const action =
      (await ask(shardFor(c.env, node), node, id)) ??
      (await askAll(c.env, (shard) => ask(shard, node, id))).find((found) => found !== null);
    if (action !== null && action !== undefined) return c.json(action);
  }
  return problemResponse(
    problem('unknown-action', 'No action has this id, or it ended more than an hour ago'),
  );
}
