/** Who is told when many wait: of those who never answer, and when a server ends. */
import { sample } from 'valetkey/testing';
import { expect, it } from 'vitest';
import type { Context } from '../../src/domain/context.ts';
import { createDeliveries } from '../../src/domain/deliveries.ts';
import { createTeller } from '../../src/engine/session-listeners.ts';
import type { Delivery, DeliveryStore } from '../../src/store/deliveries.ts';
import type { Client } from '../../src/store/records.ts';

const delivery = (clientId: string): Delivery => ({
  kind: 'session_ended',
  about: 'sid',
  clientId,
  sub: 'ada',
  createdAt: 0,
  dueAt: 0,
  attempts: 1,
});

it('LO-05 clients that registered themselves and never answer take no place from the others', async () => {
  const answers: (() => void)[] = [];
  const tell = createTeller({
    sessionListeners: [
      {
        name: 'silent',
        isFor: () => true,
        deliver: async () => await new Promise<void>((resolve) => answers.push(resolve)),
      },
    ],
  });
  const findEnabled = async (clientId: string): Promise<Client> =>
    await Promise.resolve({
      ...sample.client(clientId),
      registrationSource: clientId === 'own' ? 'manual' : 'open',
    });
  const ctx = { clients: { findEnabled } } as unknown as Context;
  const outcomes = Array.from(
    { length: 400 },
    async (_, index) =>
      await tell(ctx, delivery(`client ${index}`)).then(
        () => 'told',
        ({ problem }: { problem: string }) => problem,
      ),
  );
  const own = tell(ctx, delivery('own'));
  await expect.poll(() => answers.length).toBe(33);
  // Each answer makes place for the next in its line.
  let answered = 0;
  await expect
    .poll(() => {
      for (const answer of answers.slice(answered)) answer();
      answered = answers.length;
      return answered;
    })
    .toBe(1 + 32 * 11);
  await own;
  const all = await Promise.all(outcomes);
  const count = (word: string): number => all.filter((one) => one === word).length;
  expect([count('told'), count('busy')]).toEqual([32 * 11, 400 - 32 * 11]);
});

it('a server that ends sends what was stored just now, and leaves a backlog to others', async () => {
  let waiting = 1000;
  const sent: Delivery[] = [];
  const store: DeliveryStore = {
    async claim(_now, limit) {
      waiting -= limit;
      return await Promise.resolve(Array.from({ length: limit }, () => delivery('app')));
    },
    finish: async () => await Promise.resolve(true),
    postpone: async () => await Promise.resolve(true),
    nextDue: async () => await Promise.resolve(0),
  };
  const deliveries = createDeliveries({
    store,
    now: () => 0,
    events: null as never,
    logger: console as never,
    send: async (one) => {
      sent.push(one);
      await Promise.resolve();
    },
  });
  deliveries.wake();
  await deliveries.close();
  expect([sent.length, waiting]).toEqual([50, 950]);
});
