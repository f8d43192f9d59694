/**
 * The key set in memory: a clock that is set keeps no withdrawn key alive. Rules JW.
 */
import { createProvider, type Database, memoryDatabase, type Provider } from 'valetkey';
import { builtInPages } from 'valetkey/pages';
import { memoryAccounts } from 'valetkey/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { ISSUER, START } from '../setup.ts';

let now: number;
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
  });

beforeEach(async () => {
  now = START;
  database = memoryDatabase();
  provider = onNode(database);
  await provider.maintain();
});

async function published(): Promise<unknown> {
  const response = await provider.fetch(new Request(provider.url('jwks-info')));
  const { keys } = (await response.json()) as { keys: { kid: string }[] };
  return [response.status, keys.map(({ kid }) => kid).join()];
}

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
