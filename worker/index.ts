// Owns the entry of the worker: the app, and the classes of its objects. Nothing else.

import { app } from './app.ts';

export { Fleet } from './objects/fleet.ts';
export { NodeShard } from './objects/node-shard.ts';
export default app;
