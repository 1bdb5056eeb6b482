// The process of a simulated fleet: it carries out the orders that it is sent, one after the other, and tells each end.

import * as v from 'valibot';
import { OrderSchema, type Order, type Told } from './orders.ts';
import { SimulatedFleet } from './simulated-fleet.ts';

let fleet: SimulatedFleet | undefined;
let carrying = Promise.resolve();

process.on('message', (message) => {
  const order = v.parse(OrderSchema, message);
  carrying = carrying.then(() =>
    carryOut(order).then(
      (value) => tell({ told: 'done', value }),
      (error: unknown) => tell({ told: 'failed', reason: String(error) }),
    ),
  );
});
// The bench is gone.
process.on('disconnect', () => process.exit());

async function carryOut(order: Order): Promise<unknown> {
  if (order.order === 'start') {
    fleet = await SimulatedFleet.start(order.wanted, (command) => tell({ told: 'command', command }));
    return null;
  }
  if (fleet === undefined) throw new Error('no fleet was started');
  switch (order.order) {
    case 'report':
      fleet.report(order.intervalMs ?? undefined);
      return null;
    case 'flood':
      return fleet.flood(order.way, order.seconds);
    case 'change':
      return fleet.change(order.index, order.state);
    default:
      return order satisfies never;
  }
}

function tell(told: Told): void {
  process.send?.(told);
}
