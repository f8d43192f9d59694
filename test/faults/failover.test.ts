/**
 * A PostgreSQL server that dies while a standby follows it: the standby is promoted behind the same
 * address. Requests are answered with 503 until then, nothing is lost, and nothing is used twice.
 */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  findPostgres,
  type Cluster as PostgresCluster,
  serverOwner,
  startPostgres,
  startStandby,
} from '../../tools/postgres.ts';
import { services } from '../services.ts';
import { type Relay, startRelay } from '../store/tcp-relay.ts';
import { type Cluster, type Grant, makeCluster, type Reply } from './cluster.ts';

const CODES = 240;
/** Milliseconds between two requests, before and during the failover. */
const PACE = 25;
/** The request with which the server dies, and milliseconds from then until the promotion. */
const DIES_WITH = 60;
const PROMOTED_AFTER = 1000;

interface Attempt {
  readonly grant: Grant;
  readonly reply: Reply;
  /** Milliseconds since 1970 at which the answer was there. */
  readonly at: number;
}

const targetOf = (cluster: PostgresCluster): { host: string; port: number } => {
  const { hostname, port } = new URL(cluster.url);
  return { host: hostname, port: Number(port) };
};

describe.skipIf(services.postgres === null)('PostgreSQL with a standby', () => {
  const bin = findPostgres() ?? '';
  let primary: PostgresCluster;
  let standby: PostgresCluster;
  let relay: Relay;
  let cluster: Cluster;

  beforeAll(async () => {
    primary = await startPostgres(bin);
    standby = await startStandby(bin, primary);
    // A commit is answered when the standby has it, so that nothing answered can be lost.
    const client = new pg.Client({ connectionString: primary.url });
    await client.connect();
    await client.query(`alter system set synchronous_standby_names = '*'`);
    await client.query('select pg_reload_conf()');
    for (let synced = false; !synced; await sleep(100)) {
      const { rows } = await client.query('select sync_state from pg_stat_replication');
      synced = rows[0]?.sync_state === 'sync';
    }
    await client.end();
    relay = await startRelay(targetOf(primary));
    const url = Object.assign(new URL(primary.url), { port: String(relay.port) }).href;
    const make = () => ({ options: { url }, remove: async () => undefined });
    cluster = await makeCluster({ name: 'standby', missing: false, make }, 2);
    await cluster.start();
  });
  afterAll(async () => {
    await cluster.end('SIGTERM');
    await cluster.remove();
    await relay.close();
    await standby.stop();
    await primary.stop();
  });

  it('[store] D-6 answers 503 until the promotion, and at once afterwards; no code works twice and no token is lost', async () => {
    const grants: Grant[] = [];
    for (let index = 0; index < CODES; index += 1) grants.push(await cluster.code());
    let promotedAt = 0;
    const failOver = async (): Promise<void> => {
      process.kill(primary.pid, 'SIGQUIT');
      await sleep(PROMOTED_AFTER);
      relay.leadTo(targetOf(standby));
      execFileSync(join(bin, 'pg_ctl'), ['promote', '-w', '-D', standby.data], {
        ...serverOwner(),
        cwd: '/',
        stdio: 'ignore',
      });
      promotedAt = Date.now();
    };
    let failing: Promise<void> = Promise.resolve();
    const under = grants.map(async (grant, index): Promise<Attempt> => {
      await sleep(index * PACE);
      if (index === DIES_WITH) failing = failOver();
      const reply = await cluster.post('token', cluster.exchange(grant), index % 2);
      return { grant, reply, at: Date.now() };
    });
    const attempts = await Promise.all(under);
    await failing;

    const answers = attempts.map(({ reply }) => reply.status);
    expect([...new Set(answers)].sort()).toEqual([200, 503]);
    const good = attempts.filter(({ reply }) => reply.status === 200);
    const back = good.filter(({ at }) => at > promotedAt).map(({ at }) => at - promotedAt);
    console.log(
      `failover: ${good.length} answered, ${answers.length - good.length} refused with 503, ` +
        `the first answer ${Math.min(...back)} ms after the promotion`,
    );
    expect(Math.min(...back)).toBeLessThan(1000);

    // Nothing is lost: every token that was answered is valid.
    for (const { reply } of good) {
      const { body } = await cluster.post('introspect', {
        token: reply.body['access_token'] ?? '',
      });
      expect(body['active']).toBe(true);
    }
    // What was refused is done or not done, and never both.
    for (const { grant, reply } of attempts) {
      const again = await cluster.post('token', cluster.exchange(grant));
      if (reply.status === 200) expect(again.status).toBe(400);
      else expect([200, 400]).toContain(again.status);
      const third = await cluster.post('token', cluster.exchange(grant));
      expect([third.status, third.body['error']]).toEqual([400, 'invalid_grant']);
    }
  }, 180_000);
});
