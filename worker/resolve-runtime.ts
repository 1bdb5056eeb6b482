// Owns which runtime of the fleet an operator means: named with its node, or alone where exactly one node has it.

import type { RuntimeRef } from '../contract/ids.ts';
import { problem } from '../contract/problem.ts';
import { closest } from '../contract/closest.ts';
import { fail, type Result } from './domain/parse.ts';
import { offer } from './domain/submit.ts';
import type { Env } from './env.ts';
import { askAll } from './objects/stubs.ts';
import { unreachedOf } from './unreached.ts';

/** A node that is named is not looked up here: its shard says whether it has the runtime. */
export async function resolveRuntime(
  env: Env,
  ref: RuntimeRef,
): Promise<Result<{ node: string; runtime: string }>> {
  const { node, runtime } = ref;
  if (node !== undefined) return { ok: true, value: { node, runtime } };
  const located = await askAll(env, (shard, place) => shard.locate(runtime, place));
  const unreached = unreachedOf(located);
  if (unreached.length > 0) {
    // A name that one node has may be another one's there, too: nobody acts on a guess.
    const detail = `Shard ${unreached.join(', ')} holds nodes and cannot be reached: name the node, as in <node>/${runtime}`;
    return fail(problem('shard-unreached', detail, { unreached_shards: unreached }));
  }
  const nodes = located.flatMap((found) => found.nodes).toSorted();
  const [only, ...others] = nodes;
  if (only !== undefined && others.length === 0) return { ok: true, value: { node: only, runtime } };
  if (only !== undefined) {
    const candidates = nodes.map((name) => `${name}/${runtime}`);
    const detail = `Say which one: ${candidates.join(', ')}`;
    return fail(problem('ambiguous-runtime', detail, { candidates }));
  }
  const known = closest(
    runtime,
    located.flatMap((found) => found.closest),
  );
  const detail = known.length === 0 ? 'this hub knows no runtime yet' : offer(known);
  return fail(problem('unknown-runtime', `No node has a runtime "${runtime}"; ${detail}`, { known }));
}
