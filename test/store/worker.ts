/**
 * One of several processes on one database. It waits for tasks from its parent, starts each at the
 * agreed moment, and reports the outcomes. The tests decide which outcomes are right.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Authorization, Family, OneTimeKey, OneTimeRecord, SessionKey, Store } from 'valetkey';
import { type SqlDatabase, type SqlOptions, sqlDatabase } from 'valetkey/sql';
import { type Facts, insertCode, redeem, rotate, sample } from 'valetkey/testing';
import { STALLING } from './stalling-migration.ts';

/** A task for a worker. Every value in it can be cloned with the structured clone algorithm. */
export type Task =
  | { readonly do: 'open'; readonly options: SqlOptions }
  | { readonly do: 'migrate'; readonly options: SqlOptions; readonly stall?: boolean }
  | {
      readonly do: 'redeem';
      readonly code: string;
      readonly facts: Facts;
      readonly authorizationId: string;
      readonly now: number;
    }
  | {
      readonly do: 'rotate';
      readonly family: Family;
      readonly facts: Facts;
      readonly authorizationId: string;
      readonly now: number;
    }
  | { readonly do: 'swap'; readonly expected: number }
  | { readonly do: 'end-session'; readonly session: SessionKey; readonly now: number }
  | { readonly do: 'revoke-family'; readonly id: string; readonly now: number }
  | {
      readonly do: 'revoke-authorization';
      readonly authorization: Pick<Authorization, 'id' | 'sub'>;
      readonly now: number;
    }
  | { readonly do: 'consume'; readonly record: OneTimeKey; readonly now: number }
  | { readonly do: 'put'; readonly record: OneTimeRecord }
  | {
      readonly do: 'issue';
      readonly record: OneTimeKey;
      readonly facts: Facts;
      readonly now: number;
    }
  | {
      readonly do: 'insert-code';
      readonly record: OneTimeKey;
      readonly facts: Facts;
      readonly authorizationId: string;
      readonly session: string;
    }
  | { readonly do: 'close' };

/** A task, how often to run it concurrently, and when all processes begin (milliseconds). */
export interface Order {
  readonly task: Task;
  readonly issuer: string;
  readonly times: number;
  readonly at: number;
}

/** The outcome of one run of a task. `digest` belongs to the access token that the task issues. */
export interface Outcome {
  readonly result: unknown;
  readonly digest?: string;
  readonly error?: string;
}

let database: SqlDatabase | null = null;

function opened(): SqlDatabase {
  if (database === null) throw new Error('not open');
  return database;
}

async function perform(task: Task, issuer: string): Promise<Outcome> {
  switch (task.do) {
    case 'open':
      database = sqlDatabase(task.options);
      await database.check();
      return { result: database.dialect };
    case 'migrate': {
      database = sqlDatabase({
        ...task.options,
        migrations: task.stall === undefined ? [] : [STALLING(task.stall)],
      });
      return { result: await database.migrate() };
    }
    case 'close':
      await database?.close();
      return { result: null };
    default:
      return await onStore(task, opened().forIssuer(issuer));
  }
}

async function onStore(
  task: Exclude<Task, { do: 'open' | 'migrate' | 'close' }>,
  store: Store,
): Promise<Outcome> {
  switch (task.do) {
    case 'redeem': {
      const family = sample.family(task.facts, task.authorizationId);
      const issue = sample.issue(task.facts, family.id, task.authorizationId);
      return {
        result: await redeem(store, task.code, family, issue, task.now),
        digest: issue.accessToken?.digest ?? '',
      };
    }
    case 'rotate': {
      const { family, facts, authorizationId, now } = task;
      const issue = sample.issue(facts, family.id, authorizationId);
      const successor = sample.family(facts, authorizationId).refreshDigest ?? '';
      const rotation = {
        familyId: family.id,
        presented: family.refreshDigest ?? '',
        refreshDigest: successor,
        refreshExpiresAt: now + 500,
        sealedSuccessor: 'x',
      };
      return {
        result: await rotate(store, rotation, issue, now),
        digest: issue.accessToken?.digest ?? '',
      };
    }
    case 'swap':
      return { result: await store.keys.swap(task.expected, [], null) };
    case 'end-session':
      return { result: await store.sessions.end(task.session, task.now, true, null) };
    case 'revoke-family':
      return { result: await store.tokens.revokeFamily(task.id, task.now, null) };
    case 'revoke-authorization':
      return { result: await store.authorizations.revoke(task.authorization, task.now, null) };
    case 'consume':
      return { result: await store.oneTime.consume(task.record, task.now) };
    case 'issue': {
      const { record, facts, now } = task;
      const issue = sample.issue(facts, null, null);
      const consumption = { kind: 'one_time_record', record } as const;
      const subject = { sub: facts.sub, revocations: 0, time: now };
      return {
        result: await store.tokens.issue({ ...issue, consumption, subject, family: null }, now),
        digest: issue.accessToken?.digest ?? '',
      };
    }
    case 'insert-code': {
      const code = sample.code(task.facts, task.authorizationId);
      return { result: await insertCode(store, code, task.session, task.record) };
    }
    case 'put':
      return { result: await store.oneTime.put(task.record) };
  }
}

process.on('message', (order: Order) => void obey(order));

async function obey({ task, issuer, times, at }: Order): Promise<void> {
  await sleep(Math.max(0, at - Date.now()));
  const one = async (): Promise<Outcome> => {
    try {
      return await perform(task, issuer);
    } catch (error) {
      return { result: null, error: String(error) };
    }
  };
  process.send?.(await Promise.all(Array.from({ length: times }, one)));
}
