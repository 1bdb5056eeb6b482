// The one alarm of an object: how often it is set is what it costs.

import { expect, test } from 'vitest';
import { Alarm } from '../../worker/objects/alarm.ts';

const NOW = 1_000_000;

/** The part of an object's storage that holds its alarm. */
class AlarmStorage {
  armedFor: number | null;
  writes = 0;

  constructor(armedFor: number | null = null) {
    this.armedFor = armedFor;
  }

  async getAlarm(): Promise<number | null> {
    return this.armedFor;
  }

  async setAlarm(at: number): Promise<void> {
    this.armedFor = at;
    this.writes += 1;
  }
}

test('is set once for many deadlines that are later, and again for an earlier one', async () => {
  const storage = new AlarmStorage();
  const alarm = new Alarm(storage);
  await alarm.load();
  await alarm.armFor(NOW + 5000, NOW);
  for (let later = 0; later < 100; later += 1) await alarm.armFor(NOW + 5000 + later, NOW + later);
  await alarm.armFor(undefined, NOW);
  expect(storage).toMatchObject({ armedFor: NOW + 5000, writes: 1 });
  await alarm.armFor(NOW + 4000, NOW);
  expect(storage).toMatchObject({ armedFor: NOW + 4000, writes: 2 });
});

test('is known after an eviction, and set anew after it fired', async () => {
  const storage = new AlarmStorage(NOW + 3000);
  const alarm = new Alarm(storage);
  await alarm.load();
  await alarm.armFor(NOW + 9000, NOW);
  expect(storage.writes).toBe(0);
  alarm.fired();
  await alarm.armFor(NOW + 9000, NOW + 3000);
  expect(storage).toMatchObject({ armedFor: NOW + 9000, writes: 1 });
});

test('does not spin on a deadline that is past', async () => {
  const storage = new AlarmStorage();
  const alarm = new Alarm(storage);
  await alarm.load();
  await alarm.armFor(NOW - 1, NOW);
  expect(storage.armedFor).toBe(NOW + 100);
});
