/**
 * Several real processes on one database: the laws of `race-laws.ts`, and starting at the same
 * time.
 */
import { sqlDatabase } from 'valetkey/sql';
import { sample, withFamily } from 'valetkey/testing';
import { describe, expect, it } from 'vitest';
import { DATABASES, type EmptyDatabase } from '../databases.ts';
import { errors, PATIENCE, PROCESSES, raceLaws } from './race-laws.ts';
import { HALF_WAY } from './stalling-migration.ts';
import { startCrowd } from './workers.ts';

const ROUNDS = 20;

describe.each(DATABASES)('$name', (kind) => {
  describe.skipIf(kind.missing)(`${PROCESSES} processes, ${ROUNDS} rounds`, () => {
    let empty: EmptyDatabase | null = null;
    raceLaws(
      {
        async options() {
          empty ??= kind.make();
          return [empty.options];
        },
        remove: async () => await empty?.remove(),
      },
      ROUNDS,
    );
  });

  describe.skipIf(kind.missing)('starting', () => {
    it('[store] migrate: of ten processes on an empty database none fails, and exactly one applies the migrations', async () => {
      const empty = kind.make();
      const crowd = startCrowd(10);
      const outcomes = await crowd.all({ do: 'migrate', options: empty.options }, '');
      expect(errors(outcomes)).toEqual([]);
      expect(outcomes.filter(({ result }) => (result as string[]).length > 0)).toHaveLength(1);
      const swaps = await crowd.all({ do: 'swap', expected: 0 }, 'https://new.example');
      expect([errors(swaps), swaps.filter(({ result }) => result === true).length]).toEqual([
        [],
        1,
      ]);
      await crowd.stop();
      await empty.remove();
    });

    it('[store] G-5 migrate: a process that is killed half-way does not block the next one', async () => {
      const empty = kind.make();
      const doomed = startCrowd(1);
      const [victim] = doomed.processes;
      const halfWay = new Promise<void>((resolve) =>
        victim?.on('message', (word) => word === HALF_WAY && resolve()),
      );
      const died = doomed
        .all({ do: 'migrate', options: empty.options, stall: true }, '')
        .catch(String);
      await halfWay;
      victim?.kill('SIGKILL');
      expect(await died).toContain('a worker ended');

      const next = startCrowd(1);
      const [outcome] = await next.all({ do: 'migrate', options: empty.options, stall: false }, '');
      expect(outcome?.error).toBeUndefined();
      expect(outcome?.result).toContain('9999-stalling');
      await next.stop();
      const database = sqlDatabase({ ...empty.options, ...PATIENCE });
      expect(await database.pendingMigrations()).toEqual([]);
      await withFamily(database.forIssuer('https://alive.example'), sample.facts());
      await database.close();
      await empty.remove();
    });
  });
});
