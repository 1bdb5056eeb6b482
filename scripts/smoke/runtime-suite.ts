// Owns the steps of `runtime-smoke`: a llama endpoint under a reporter and a hub, and a chat through all of it.

import * as v from 'valibot';
import { ActionSchema, type Action } from '../../contract/actions.ts';
import type { Engine } from '../engine/find-engine.ts';
import { RUNTIME_ID } from '../fleet/manifest.ts';
import { checkMatrix } from './matrix-step.ts';
import type { SmokeHub } from './smoke-hub.ts';
import type { Step } from './steps.ts';

const PROMPT = 'Say hello to the smoke test.';
const MAX_TOKENS = 16;
const input = { prompt: PROMPT, max_tokens: MAX_TOKENS };

const AcceptedSchema = v.looseObject({ id: v.string() });

export async function runtimeSuite(step: Step, hub: SmokeHub, node: string, engine: Engine): Promise<void> {
  await step('the llama endpoint is Ready in the matrix', async () => {
    const { descriptor } = await hub.readyRuntime(node, RUNTIME_ID);
    const tag = descriptor.tags?.['engine'];
    if (tag !== engine.kind) throw new Error(`the engine behind it is "${tag}", not "${engine.kind}"`);
  });
  await checkMatrix(step, hub);
  await step('chat.respond flows end to end', async () => {
    const body = { kind: 'chat.respond', input };
    const accepted = await hub.ask('/actions', { method: 'POST', body });
    const { id } = v.parse(AcceptedSchema, await accepted.json());
    checkReply(await hub.until(() => finished(hub, id)), node);
  });
  await step('chat.respond flows as a stream', async () => {
    const body = { kind: 'chat.respond', input };
    const answer = await hub.ask('/actions', { method: 'POST', body, accept: 'text/event-stream' });
    const text = await answer.text();
    if (/^event: error$/m.test(text)) throw new Error(`the stream broke: ${text.slice(-300)}`);
    if (!text.trimEnd().endsWith('data: [DONE]')) throw new Error('the stream did not end with [DONE]');
  });
}

/** The action once it is over. */
async function finished(hub: SmokeHub, id: string): Promise<Action | undefined> {
  const answer = await hub.ask(`/actions/${encodeURIComponent(id)}`);
  const action = v.parse(ActionSchema, await answer.json());
  return action.state === 'completed' || action.state === 'failed' ? action : undefined;
}

function checkReply({ state, output, error }: Action, node: string): void {
  if (state === 'failed') throw new Error(`the action failed: ${error?.reason} (${error?.message})`);
  if (output?.node !== node || output.runtime !== RUNTIME_ID) {
    throw new Error(`answered by ${output?.node}/${output?.runtime}, not by ${node}/${RUNTIME_ID}`);
  }
  if (output.reply?.role !== 'assistant') throw new Error('the reply is not the assistant’s');
  if ((output.reply.content ?? '').trim() === '') throw new Error('the reply is empty');
}
