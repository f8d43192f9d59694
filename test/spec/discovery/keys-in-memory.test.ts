/**
 * The key set in memory: a database that hangs or fails makes nobody wait for what is published,
 * and a clock that is set keeps no withdrawn key alive. Rules JW, D.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  createProvider,
  type Database,
  type KeySet,
  memoryDatabase,
  type Provider,
  StoreUnavailable,
} from 'valetkey';
import { builtInPages } from 'valetkey/pages';
import { memoryAccounts } from 'valetkey/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { ISSUER, START } from '../setup.ts';

type Load = () => Promise<KeySet | null>;

let now: number;
let lookups: number;
let errors: Error[];
/** What stands between the provider and the key set of its store. */
let between: (load: Load) => Promise<KeySet | null>;
let provider: Provider;
let database: Database;

const onNode = (on: Database): Provider =>
  createProvider({
    issuer: ISSUER,
    store: on,
    secret: 'a secret of at least thirty-two characters',
    accounts: memoryAccounts([]),
    pages: builtInPages(),
    keySchedule: { algs: ['ES256'] },
    clock: () => now,
    logger: {
      info: () => undefined,
      warn: () => undefined,
      error: (facts) => errors.push((facts as { error: Error }).error),
    },
  });

beforeEach(async () => {
  [now, errors] = [START, []];
  between = async (load) => await load();
  database = memoryDatabase();
  provider = onNode({
    ephemeral: true,
    forIssuer(issuer) {
      const store = database.forIssuer(issuer);
      const load: Load = async () => {
        lookups += 1;
        return await between(async () => await store.keys.load());
      };
      return { ...store, keys: { ...store.keys, load } };
    },
  });
  await provider.maintain();
  await published();
  lookups = 0;
});

async function published(): Promise<unknown> {
  const response = await provider.fetch(new Request(provider.url('jwks-info')));
  const { keys } = (await response.json()) as { keys: { kid: string }[] };
  return [response.status, keys.map(({ kid }) => kid).join()];
}

/** Milliseconds of so many requests, one after the other. */
async function timeOf(requests: number, before: unknown): Promise<number> {
  const begun = performance.now();
  for (let request = 0; request < requests; request += 1) expect(await published()).toEqual(before);
  return performance.now() - begun;
}

describe('while the database', () => {
  it('D-3 hangs, keys are published at once, one look-up is under way, and the next begins after a pause', async () => {
    const before = await published();
    between = async () => await new Promise<null>(() => undefined);
    now += 10;
    // Two seconds for each would be a hundred.
    expect(await timeOf(50, before)).toBeLessThan(20_000);
    expect(lookups).toBeLessThan(4);
    await sleep(2100);
    lookups = 0;
    expect(await timeOf(50, before)).toBeLessThan(20_000);
    expect(lookups).toBe(0);
    now += 5;
    await timeOf(50, before);
    expect(lookups).toBe(1);
    between = async (load) => await load();
    await onNode(database).keys.rotate({ emergency: true });
    await sleep(2100);
    now += 5;
    // The look-up that had no answer is given up; the next one has one.
    await published();
    await sleep(50);
    expect(await published()).not.toEqual(before);
  });
  it('D-1 fails, the next look-up waits for five seconds', async () => {
    const before = await published();
    between = async () => await Promise.reject(new StoreUnavailable('no answer'));
    now += 10;
    await timeOf(20, before);
    expect(lookups).toBe(1);
    now += 5;
    between = async (load) => await load();
    await timeOf(20, before);
    expect(lookups).toBe(2);
  });
  it('D-3 is slow, a withdrawn key is published until the answer is there, and no longer', async () => {
    const old = await published();
    await onNode(database).keys.rotate({ emergency: true });
    between = async (load) => {
      await sleep(800);
      return await load();
    };
    now += 10;
    // Publishing has less patience, and is right the next time.
    expect(await published()).toEqual(old);
    await sleep(900);
    expect(await published()).not.toEqual(old);
  });
  it('answers with a key set that cannot be opened, what is loaded is published on, and it is logged', async () => {
    const before = await published();
    between = async () => await Promise.reject(new Error('broken'));
    now += 10;
    expect(await published()).toEqual(before);
    expect(errors.map(({ message }) => message)).toEqual(['broken']);
  });
});

describe('a key that another node withdraws in an emergency', () => {
  it.each([
    ['runs on', 6],
    ['is set back by two hours', -7200],
    ['is set forward by two hours', 7200],
  ])('is not published here any more when the clock %s', async (_, step) => {
    const before = await published();
    await onNode(database).keys.rotate({ emergency: true });
    expect(await published()).toEqual(before);
    now += step;
    expect(await published()).not.toEqual(before);
  });
});
