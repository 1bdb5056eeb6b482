// Owns the answer to `GET /v1/models`: the union over the node's runtimes, in OpenAI's shape. Pure.

import type { Routable } from './routable.ts';

/**
 * One entry for each model and the runtime that serves it. A runtime of which no model is known is asked for by its id,
 * so that is its entry.
 */
export function modelsBody(runtimes: readonly Routable[]): object {
  const data = runtimes.flatMap(({ id: runtime, models, state, accepting }) => {
    const entries = models.length > 0 ? models : [{ id: runtime }];
    return entries.map((model) => ({
      id: model.id,
      object: 'model',
      // OpenAI's clients insist on the field; nobody says when a local model was made.
      created: 0,
      owned_by: runtime,
      runtime,
      runtime_state: state,
      accepting,
      ...('state' in model && { state: model.state }),
      ...('context' in model && model.context !== undefined && { context: model.context }),
    }));
  });
  return { object: 'list', data };
}
