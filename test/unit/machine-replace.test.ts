// What the machine does when the manifest asks for something else: an operator's act, so nothing of it is spent.

import { describe, expect, test } from 'vitest';
import { FAILING, MachineDriver, READY } from '../support/machine-driver.ts';

const machine = (): MachineDriver => new MachineDriver();
const replaced = (m: MachineDriver, relaunch = true): MachineDriver =>
  m.send({ kind: 'replaced', relaunch, variant: {} });

describe('something else is to be launched', () => {
  test('a serving runtime is stopped and launched again, and its budget is whole', () => {
    const m = replaced(machine().toServing());
    expect(m).toMatchObject({ phase: 'stopping', signals: ['SIGTERM'] });
    m.exited().spawned().observed(READY);
    expect(m.phase).toBe('serving');
    expect(m.state).toMatchObject({ spent: [], restartsTotal: 0 });
  });
  test('one that is being launched is launched once more, as the new one', () => {
    const m = replaced(machine().start());
    expect(m).toMatchObject({ phase: 'launching', launches: 0 });
    m.spawned();
    expect(m).toMatchObject({ phase: 'stopping', signals: ['SIGTERM'] });
    m.exited();
    expect(m).toMatchObject({ phase: 'launching', launches: 1 });
    m.spawned().observed(READY);
    expect(m.settled['start-1']).toMatchObject({ ok: true });
  });
  test('one whose launch turns out to be blocked is tried at once', () => {
    expect(replaced(machine().start()).blocked('Model file x does not exist')).toMatchObject({
      phase: 'launching',
      launches: 1,
    });
  });
  test('one that waits does not wait any longer, and one that has failed comes back', () => {
    expect(replaced(machine().start().blocked('x'))).toMatchObject({ phase: 'launching', launches: 1 });
    const failed = new MachineDriver({ budget: { maxRestarts: 0, windowMs: 1_000 } }).toServing().exited();
    expect(failed.phase).toBe('failed');
    expect(replaced(failed)).toMatchObject({ phase: 'launching', launches: 1 });
    expect(failed.spawned().state.spent).toEqual([]);
  });
  test('one that was stopped on purpose stays down', () => {
    expect(replaced(machine())).toMatchObject({ phase: 'resting', launches: 0 });
    const m = replaced(machine().toServing().shutdown());
    expect(m.exited()).toMatchObject({ phase: 'resting', launches: 0 });
  });
});

test('only words and limits differ: nothing is launched, and the new limits hold', () => {
  const m = replaced(machine().toServing(), false);
  expect(m).toMatchObject({ phase: 'serving', signals: [], launches: 0 });
  expect(m.observed(FAILING).phase).toBe('serving');
});
