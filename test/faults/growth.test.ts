/**
 * Ten million access tokens, nine million of them expired: look-ups and acts read as much as with
 * ten thousand, and the cleaner deletes what expired beside a server that goes on issuing tokens.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import pg from 'pg';
import type { Store } from 'valetkey';
import { type SqlOptions, sqlDatabase } from 'valetkey/sql';
import { insertCode, issueFreely, redeem, rotate, sample, withFamily } from 'valetkey/testing';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { DATABASES, type DatabaseKind, type EmptyDatabase } from '../databases.ts';
import { start } from '../processes.ts';
import { services } from '../services.ts';
import { type Cluster, makeCluster } from './cluster.ts';
import { quantile } from './pace.ts';

const FEW = 10_000;
const MANY = 10_000_000;
/** Access tokens that have expired. */
const EXPIRED = 9_000_000;
/** Runs for whose values PostgreSQL plans; later it may keep one plan for all values. */
const PLANNED = 5;
/** Of the runs after that, the one that counts split no page and found no old row. */
const ROUNDS = PLANNED + 10;
/** Blocks more that an index may cost: it is one level deeper, and a page may be split. */
const PER_INDEX = 2;
/** Most indexes of a table. */
const INDEXES = 3;
const PER_SECOND = 50;
/** Milliseconds of load with which the load beside the cleaner is compared. */
const UNDISTURBED = 40_000;
/** Milliseconds below which a slow p99 says nothing: what makes it is other work, and the disk. */
const NOISE = 500;
/** Kilobytes. */
const MOST_MEMORY = 250_000;
const PATIENCE = 1_800_000;
const NOW = Math.floor(Date.now() / 1000);
const DAY = 86_400;

const kindOf = (wanted: string) => DATABASES.find(({ name }) => name === wanted) as DatabaseKind;

type NamedCall = readonly [name: string, call: () => Promise<unknown>];

/** Each hot look-up and act, to be called once and in this order, on records made for it. */
async function everyCall(store: Store): Promise<readonly NamedCall[]> {
  const { tokens, codes, sessions } = store;
  const { facts, authorization, session, family, issue } = await withFamily(store);
  const code = sample.code(facts, authorization.id);
  const otherFamily = sample.family(facts, authorization.id);
  const issueOf = (familyId: string) => sample.issue(facts, familyId, authorization.id);
  const alone = { ...sample.issue(facts, null, null), idToken: null };
  const at = family.createdAt;
  const { digest } = issue.accessToken;
  const rotation = {
    familyId: family.id,
    presented: family.refreshDigest ?? '',
    refreshDigest: randomBytes(32).toString('base64url'),
    refreshExpiresAt: family.refreshExpiresAt ?? 0,
    sealedSuccessor: 'sealed',
  };
  return [
    ['find an access token', () => tokens.findAccessToken(digest)],
    ['find a family', () => tokens.findFamily(family.id)],
    ['find a session', () => sessions.find(session.handle)],
    ['find a session for a client', () => sessions.findFor(session.handle, facts.clientId)],
    ['store a code', () => insertCode(store, code, session.handle)],
    ['find a code', () => codes.find(code.digest)],
    ['redeem a code', () => redeem(store, code.digest, otherFamily, issueOf(otherFamily.id), at)],
    ['refresh', () => rotate(store, rotation, issueOf(family.id), at)],
    ['issue freely', () => issueFreely(store, alone, null)],
    ['revoke an access token', () => tokens.revokeAccessToken(digest, facts.clientId, at, null)],
    ['revoke a family', () => tokens.revokeFamily(otherFamily.id, at, null)],
    ['end a session', () => sessions.end(session, at, true, null)],
  ];
}

/** A node of a plan, as `explain (format json)` writes it. */
interface PlanNode {
  readonly 'Node Type': string;
  readonly Operation?: string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly 'Shared Hit Blocks': number;
  readonly 'Shared Read Blocks': number;
  readonly Plans?: readonly PlanNode[];
}

/** What a call does on PostgreSQL, with the number of indexes that it uses or adds to. */
type Work = { readonly plan: string; readonly blocks: number; readonly indexes: number };

const nodesOf = (node: PlanNode): readonly PlanNode[] => [
  node,
  ...(node.Plans ?? []).flatMap(nodesOf),
];

function textOf(node: PlanNode): string {
  const { 'Node Type': type, Operation: does, 'Relation Name': table, 'Index Name': index } = node;
  return [does ?? type, index ?? table].filter(Boolean).join(' ');
}

/** The blocks of this node alone. What a part of WITH reads counts there, not where it is asked. */
function blocksOf(node: PlanNode): number {
  if (node['Node Type'] === 'CTE Scan') return 0;
  const within = (one: PlanNode): number => one['Shared Hit Blocks'] + one['Shared Read Blocks'];
  return Math.max(
    0,
    (node.Plans ?? []).reduce((sum, one) => sum - within(one), within(node)),
  );
}

function indexesOf({ Operation: does, 'Index Name': index }: PlanNode): number {
  return (does === undefined ? 0 : INDEXES) + (index === undefined ? 0 : 1);
}

/** The same options, with plans of all statements told to the client as they were executed. */
function explaining({ url = '', ...others }: SqlOptions): SqlOptions {
  const settings = {
    session_preload_libraries: 'auto_explain',
    'auto_explain.log_min_duration': 0,
    'auto_explain.log_level': 'notice',
    'auto_explain.log_format': 'json',
    'auto_explain.log_analyze': 'on',
    'auto_explain.log_buffers': 'on',
    'auto_explain.log_timing': 'off',
  };
  const told = new URL(url);
  const options = Object.entries(settings).map(([name, value]) => `-c ${name}=${value}`);
  told.searchParams.set('options', options.join(' '));
  return { ...others, url: told.href, poolSize: 1, timeout: PATIENCE };
}

/** What each call does once the server keeps its plan. */
async function worksOf(options: SqlOptions, issuer: string): Promise<ReadonlyMap<string, Work>> {
  const database = sqlDatabase(explaining(options));
  const store = database.forIssuer(issuer);
  const emit = vi.spyOn(pg.Client.prototype, 'emit');
  const takePlans = (): readonly PlanNode[] => {
    const told = emit.mock.calls.filter(([event]) => String(event) === 'notice');
    emit.mockClear();
    const texts = told.map(([, notice]) => String((notice as { message?: unknown }).message));
    return texts.map((text) => JSON.parse(text.slice(text.indexOf('{'))).Plan as PlanNode);
  };
  const works = new Map<string, Work>();
  try {
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const [name, call] of await everyCall(store)) {
        takePlans();
        await call();
        const nodes = takePlans().flatMap(nodesOf);
        const blocks = nodes.reduce((sum, node) => sum + blocksOf(node), 0);
        if (round < PLANNED) continue;
        works.set(name, {
          plan: nodes.map(textOf).join(', '),
          blocks: Math.min(blocks, works.get(name)?.blocks ?? blocks),
          indexes: nodes.reduce((sum, node) => sum + indexesOf(node), 0),
        });
      }
    }
    return works;
  } finally {
    emit.mockRestore();
    await database.close();
  }
}

type Numbers = readonly [first: number, last: number];

/** How columns of a table are made of a number `i`. */
type Columns = Readonly<Record<string, string>>;

const key = (of: string, number = 'i'): string => `rpad(md5('${of}' || ${number}), 43, '-')`;
const tenth = (of: string): string => `case when i % 10 = 0 then ${key(of, 'i / 10')} end`;

const SUBJECT: Columns = { sub: `'subject-' || i`, created_at: `${NOW}` };
const CLIENT: Columns = { client_id: `'client'`, scopes: `'openid offline_access'` };
const LASTING: Columns = { amr: `'pwd'`, expires_at: `${NOW + DAY} + i / 1000` };
const GRANTED: Columns = { ...SUBJECT, ...CLIENT, ...LASTING, authorization_id: key('grant') };
const ACCESS_TOKENS: Columns = {
  ...CLIENT,
  digest: key('token'),
  family_id: tenth('family'),
  authorization_id: tenth('grant'),
  sub: `'subject-' || i / 10`,
  issued_at: `${NOW - DAY} + i / 1000`,
  // What expires first was stored first.
  expires_at: `i / 1000 + case when i <= ${EXPIRED} then ${NOW - DAY} else ${NOW + DAY} end`,
};
/** Tables with a tenth of the rows. None of them has expired. */
const OTHERS: Readonly<Record<string, Columns>> = {
  families: { ...GRANTED, id: key('family'), offline: '1', refresh_digest: key('refresh') },
  codes: { ...GRANTED, digest: key('code'), failed_attempts: '0' },
  sessions: {
    ...SUBJECT,
    ...LASTING,
    handle: key('session'),
    sid: key('sid'),
    auth_time: `${NOW}`,
    seen_at: `${NOW}`,
  },
  authorizations: { ...SUBJECT, ...CLIENT, id: key('grant'), updated_at: `${NOW}` },
};

/** Adds rows. Indexes are made anew afterwards, which takes half of the time. */
async function addRows(
  db: pg.Client,
  tenant: string,
  name: string,
  columns: Columns,
  [first, last]: Numbers,
): Promise<void> {
  const table = `valetkey_${name}`;
  const { rows: indexes } = await db.query<{ remove: string; make: string }>(
    `select case when conname is null then format('drop index %s', indexrelid::regclass)
        else format('alter table %s drop constraint %s', indrelid::regclass, conname) end as remove,
      case when conname is null then pg_get_indexdef(indexrelid)
        else format('alter table %s add constraint %s %s', indrelid::regclass, conname,
          pg_get_constraintdef(pg_constraint.oid)) end as make
      from pg_index left join pg_constraint on conindid = indexrelid
      where indrelid = $1::regclass`,
    [table],
  );
  const statements = [
    `alter table ${table} set (autovacuum_enabled = false)`,
    ...indexes.map(({ remove }) => remove),
    `insert into ${table} (tenant, ${Object.keys(columns).join()})
      select '${tenant}', ${Object.values(columns).join()}
      from generate_series(${first}, ${last}) as i`,
    ...indexes.map(({ make }) => make),
    `alter table ${table} reset (autovacuum_enabled)`,
    `vacuum analyze ${table}`,
  ];
  for (const statement of statements) await db.query(statement);
}

type Answer = { readonly status: number; readonly milliseconds: number };

/** Refreshes at a steady pace until it is told to end. Each refresh token is used once. */
async function refreshUntil(
  cluster: Cluster,
  tokens: string[],
  isOver: () => boolean,
): Promise<readonly Answer[]> {
  const refresh = async (): Promise<Answer> => {
    while (tokens.length === 0) await sleep(5);
    const form = { grant_type: 'refresh_token', refresh_token: tokens.shift() ?? '' };
    const sent = performance.now();
    const { status, body } = await cluster.post('token', form);
    tokens.push(body['refresh_token'] ?? '');
    return { status, milliseconds: performance.now() - sent };
  };
  const begun = performance.now();
  const answers: Promise<Answer>[] = [];
  while (!isOver()) {
    answers.push(refresh());
    await sleep(Math.max(0, begun + (answers.length * 1000) / PER_SECOND - performance.now()));
  }
  return await Promise.all(answers);
}

function p99(answers: readonly Answer[]): number {
  const times = answers.map(({ milliseconds }) => milliseconds);
  return quantile(times, 0.99);
}

describe.skipIf(services.postgres === null)('PostgreSQL', () => {
  const settings = { VALETKEY_SECRET: randomBytes(32).toString('base64url') };
  let empty: EmptyDatabase;
  let cluster: Cluster;
  let db: pg.Client;
  /** Tables grow once, whichever test comes first. */
  let growing: Promise<void> | null = null;
  const addRowsOf = async (tokens: Numbers, others: Numbers): Promise<void> => {
    const { tenantOf, close } = sqlDatabase(empty.options);
    const tenant = tenantOf(cluster.issuer);
    await close();
    await addRows(db, tenant, 'access_tokens', ACCESS_TOKENS, tokens);
    for (const [name, columns] of Object.entries(OTHERS))
      await addRows(db, tenant, name, columns, others);
  };
  const grown = async (): Promise<void> => {
    growing ??= addRowsOf([FEW + 1, MANY], [FEW + 1, MANY / 10]);
    await growing;
    // What was written must not go on being written beside the load.
    await db.query('checkpoint');
  };

  beforeAll(async () => {
    const postgres = kindOf('PostgreSQL');
    empty = postgres.make();
    cluster = await makeCluster({ ...postgres, make: () => empty }, 1, settings);
    db = new pg.Client({ connectionString: empty.options.url });
    await db.connect();
    await db.query(`set search_path to ${empty.options.schema}`);
    await db.query(`set maintenance_work_mem = '512MB'`);
    await addRowsOf([1, FEW], [1, FEW]);
  });
  afterAll(async () => {
    await cluster.end('SIGTERM');
    // So many rows take longer than the time for a statement.
    await db.query(`drop schema ${empty.options.schema} cascade`);
    await db.end();
    await cluster.remove();
  });

  it(
    '[store] with ten million access tokens each look-up and act has the plan that it has with ten thousand, and reads as many blocks',
    async () => {
      const before = await worksOf(empty.options, cluster.issuer);
      await grown();
      const after = await worksOf(empty.options, cluster.issuer);
      for (const [name, { plan, blocks, indexes }] of after) {
        const few = before.get(name);
        console.log(`growth: ${name}: ${few?.blocks} blocks, then ${blocks}; ${plan}`);
        expect([name, plan]).toEqual([name, few?.plan]);
        expect(plan, name).toMatch(/^(?!.*Seq Scan).*valetkey_/);
        expect(blocks, name).toBeLessThanOrEqual((few?.blocks ?? 0) + PER_INDEX * indexes);
      }
    },
    PATIENCE,
  );

  it(
    '[store] nine million expired access tokens are deleted beside 50 refreshes a second: none fails, and their p99 stays below twice that without the cleaner',
    async () => {
      await grown();
      await cluster.start();
      const tokens: string[] = [];
      for (let count = 0; count < 4 * PER_SECOND; count += 1) {
        const { body } = await cluster.post('token', cluster.exchange(await cluster.code()));
        tokens.push(body['refresh_token'] ?? '');
      }
      const refreshFor = async (milliseconds: number): Promise<readonly Answer[]> => {
        const end = Date.now() + milliseconds;
        return await refreshUntil(cluster, tokens, () => Date.now() > end);
      };
      // The first second is for what is loaded and compiled at first use.
      await refreshFor(1000);
      const before = await refreshFor(UNDISTURBED / 2);
      const begun = Date.now();
      const { child, output } = start('src/cli/main.ts', ['--json', 'clear-expired'], {
        ...settings,
        VALETKEY_ISSUER: cluster.issuer,
        DATABASE_URL: empty.options.url ?? '',
        VALETKEY_DATABASE_SCHEMA: empty.options.schema ?? '',
      });
      let memory = 0;
      const beside = await refreshUntil(cluster, tokens, () => {
        if (child.exitCode !== null || child.signalCode !== null) return true;
        memory = Math.max(memory, mostMemoryOf(child.pid));
        return false;
      });
      const took = (Date.now() - begun) / 1000;
      // Other work on the machine comes and goes; it counts for both.
      const undisturbed = [...before, ...(await refreshFor(UNDISTURBED / 2))];
      console.log(
        `growth: ${output().trim()} in ${took} s and ${memory} kB; ` +
          `p99 of ${undisturbed.length} refreshes ${p99(undisturbed)} ms, ` +
          `beside the cleaner ${p99(beside)} ms of ${beside.length}`,
      );
      expect([child.exitCode, output()]).toEqual([0, expect.stringContaining(`${EXPIRED}`)]);
      expect([...undisturbed, ...beside].filter(({ status }) => status !== 200)).toEqual([]);
      expect(p99(beside)).toBeLessThan(Math.max(2 * p99(undisturbed), NOISE));
      expect(memory).toBeLessThan(MOST_MEMORY);
      const old = await db.query(`select from valetkey_access_tokens where expires_at <= ${NOW}`);
      expect(old.rowCount).toBe(0);
    },
    PATIENCE,
  );
});

/** The most memory that a running process has had, in kilobytes. */
function mostMemoryOf(pid = 0): number {
  return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
}

// The built-in SQLite does not list its statements.
describe.skipIf(isBuiltin('node:sqlite'))('SQLite', () => {
  it('[store] no look-up and no act reads a whole table', async () => {
    const empty = kindOf('SQLite').make();
    const [migrating, database] = [sqlDatabase(empty.options), sqlDatabase(empty.options)];
    await migrating.migrate();
    await migrating.close();
    for (const [, call] of await everyCall(database.forIssuer('https://op.example'))) await call();
    const { rows } = await sql<{ text: string }>`select sql as text from sqlite_stmt
      where ltrim(sql) glob '[siud]*' and sql not like '%migrations%'`.execute(database.kysely);
    expect(rows.length).toBeGreaterThan(12);
    for (const { text } of rows) {
      const plan = await sql<{ detail: string }>`explain query plan ${sql.raw(text)}`.execute(
        database.kysely,
      );
      for (const { detail } of plan.rows) expect(detail, text).not.toMatch(/^SCAN valetkey/);
    }
    await database.close();
    await empty.remove();
  });
});
