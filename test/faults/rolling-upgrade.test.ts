/**
 * An upgrade under load: a newer process changes the tables of a million access tokens while two
 * servers that do not know the change go on, and then each server is replaced by another one. No
 * request fails.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { accountsMigrations } from 'valetkey/accounts';
import { assemble, readSettings } from 'valetkey/server';
import { type Migration, type SqlOptions, sqlDatabase } from 'valetkey/sql';
import { scriptedBrowser } from 'valetkey/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DATABASES, type EmptyDatabase } from '../databases.ts';
import { freePort, type Program, start, stop, untilUp } from '../processes.ts';
import { obtainCode, PASSWORD, REDIRECT_URI } from './cluster.ts';

const ROWS = 1_000_000;
const PER_SECOND = 100;
/** More than are used within the time that a request may take. */
const REFRESH_TOKENS = 100;
/** Milliseconds of traffic before and after each step of the upgrade. */
const BETWEEN = 3000;
const PATIENCE = 300_000;

const CHANGED = ['clients', 'sessions', 'families', 'access_tokens', 'codes'] as const;
const NEWER: Migration = {
  name: '9999-newer',
  async up(db) {
    for (const table of CHANGED)
      await db.schema.alterTable(table).addColumn('note', 'text').execute();
    await db.schema
      .createTable('notes')
      .addColumn('tenant', 'varchar(11)', (column) => column.notNull())
      .addColumn('note', 'text')
      .execute();
  },
};

/** Stores access tokens of others. */
async function fill(options: SqlOptions, issuer: string): Promise<void> {
  const database = sqlDatabase({ ...options, timeout: PATIENCE });
  const { dialect, kysely, tenantOf } = database;
  const numbers = sql.raw(
    dialect === 'postgres'
      ? `generate_series(1, ${ROWS}) as numbers (seq)`
      : `seq_1_to_${ROWS} as numbers`,
  );
  const now = Math.floor(Date.now() / 1000);
  await sql`insert into ${sql.table('access_tokens')}
      (tenant, digest, client_id, sub, scopes, issued_at, expires_at)
    select ${sql.lit(tenantOf(issuer))}, rpad(md5(concat('token', seq)), 43, '-') as digest,
      'client', concat('subject-', seq), 'openid', ${sql.lit(now)}, ${sql.lit(now + 86_400)}
    from ${numbers} order by digest`.execute(kysely);
  await database.close();
}

interface Server {
  readonly origin: string;
  readonly program: Program;
}

async function startServer(env: Readonly<Record<string, string>>): Promise<Server> {
  const port = await freePort();
  const origin = `http://localhost:${port}`;
  const program = start('src/cli/main.ts', ['serve'], { ...env, PORT: String(port) });
  await untilUp(`${origin}/readyz`, program);
  return { origin, program };
}

interface Application {
  readonly clientId: string;
  readonly authorization: string;
}

/** Makes the tables, a person and an application. */
async function prepare(env: Readonly<Record<string, string>>): Promise<Application> {
  const { provider, accounts, close } = await assemble(await readSettings({ env }));
  try {
    await accounts.create({ username: 'alice', password: PASSWORD });
    const { client, clientSecret } = await provider.clients.create({
      name: 'Printer',
      redirectUris: [REDIRECT_URI],
      grantTypes: ['authorization_code', 'refresh_token', 'client_credentials'],
    });
    const secret = `${client.clientId}:${clientSecret}`;
    return {
      clientId: client.clientId,
      authorization: `Basic ${Buffer.from(secret).toString('base64')}`,
    };
  } finally {
    await close();
  }
}

type Body = Readonly<Record<string, unknown>>;

interface Traffic {
  /** The work of clients and people, by name. Each rejects when an answer is not the right one. */
  readonly work: Readonly<Record<string, () => Promise<void>>>;
  /** Signs the person in, and gets the refresh tokens that the work uses. */
  begin(): Promise<void>;
  /** Requests that were answered as they should be. */
  answered(): number;
}

/** @param next the server for the next request */
function makeTraffic(issuer: string, application: Application, next: () => string): Traffic {
  const { clientId, authorization } = application;
  let answered = 0;
  /** Access tokens of clients, and refresh tokens; each of the latter is used once. */
  let accessToken = '';
  const refreshTokens: string[] = [];

  const send = async (path: string, request: RequestInit | Request): Promise<Response> => {
    const response = await fetch(new Request(`${next()}${path}`, request));
    if (![200, 302, 303].includes(response.status))
      throw new Error(`${path.split('?')[0]}: ${response.status} ${await response.text()}`);
    answered += 1;
    return response;
  };
  const post = async (endpoint: string, form: Readonly<Record<string, string>>): Promise<Body> => {
    const headers = { authorization };
    const request = { method: 'POST', headers, body: new URLSearchParams(form) };
    return (await (await send(`/o/${endpoint}/`, request)).json()) as Body;
  };
  const browser = scriptedBrowser(
    async (request) => {
      const { pathname, search } = new URL(request.url);
      return await send(pathname + search, request);
    },
    (url) => url.origin === issuer,
  );

  const exchange = async (): Promise<string> => {
    const { code, verifier } = await obtainCode(browser, issuer, clientId);
    const form = { code, redirect_uri: REDIRECT_URI, code_verifier: verifier };
    const body = await post('token', { grant_type: 'authorization_code', ...form });
    return String(body['refresh_token']);
  };
  const obtain = async (): Promise<void> => {
    accessToken = String(
      (await post('token', { grant_type: 'client_credentials' }))['access_token'],
    );
  };

  return {
    answered: () => answered,
    async begin() {
      await obtain();
      for (let count = 0; count < REFRESH_TOKENS; count += 1) refreshTokens.push(await exchange());
    },
    work: {
      'client credentials': obtain,
      async introspection() {
        const { active } = await post('introspect', { token: accessToken });
        if (active !== true) throw new Error('the access token is not active');
      },
      async refresh() {
        while (refreshTokens.length === 0) await sleep(5);
        const form = { grant_type: 'refresh_token', refresh_token: refreshTokens.shift() ?? '' };
        refreshTokens.push(String((await post('token', form))['refresh_token']));
      },
      'code exchange': async () => void (await exchange()),
    },
  };
}

/** Works at a steady pace until it is told to end. Resolves to what failed. */
async function workUntil({ work }: Traffic, isOver: () => boolean): Promise<readonly string[]> {
  const kinds = Object.entries(work);
  const failures: string[] = [];
  const doOne = async ([name, one]: (typeof kinds)[number]): Promise<void> => {
    try {
      await one();
    } catch (error) {
      const { message, cause } = error as Error;
      failures.push(`${name}: ${message.slice(0, 200)} ${cause ?? ''}`);
    }
  };
  const begun = performance.now();
  const under: Promise<void>[] = [];
  for (let count = 0; !isOver(); count += 1) {
    const kind = kinds[count % kinds.length];
    if (kind !== undefined) under.push(doOne(kind));
    await sleep(Math.max(0, begun + ((count + 1) * 1000) / PER_SECOND - performance.now()));
  }
  await Promise.all(under);
  return failures;
}

describe.each(DATABASES.filter(({ name }) => name !== 'SQLite'))('$name', (kind) => {
  describe.skipIf(kind.missing)(`two servers and ${ROWS} access tokens`, () => {
    let folder: string;
    let empty: EmptyDatabase;
    let env: Readonly<Record<string, string>>;
    let servers: Server[] = [];
    let traffic: Traffic;

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'valetkey-upgrade-'));
      empty = kind.make();
      const issuer = `http://localhost:${await freePort()}`;
      const { url = '', schema } = empty.options;
      env = {
        VALETKEY_ISSUER: issuer,
        VALETKEY_DATA_DIR: folder,
        DATABASE_URL: url,
        ...(schema === undefined ? {} : { VALETKEY_DATABASE_SCHEMA: schema }),
      };
      const application = await prepare(env);
      await fill(empty.options, issuer);
      servers = await Promise.all([startServer(env), startServer(env)]);
      let sent = 0;
      traffic = makeTraffic(issuer, application, () => {
        sent += 1;
        return servers[sent % servers.length]?.origin ?? '';
      });
      await traffic.begin();
    }, PATIENCE);
    afterAll(async () => {
      await Promise.all(servers.map(async ({ program }) => await stop(program)));
      await empty.remove();
      rmSync(folder, { recursive: true, force: true });
    });

    it(
      `[store] no request of ${PER_SECOND} a second fails while a newer process changes the tables and the servers are replaced one at a time`,
      async () => {
        const before = traffic.answered();
        let isOver = false;
        const working = workUntil(traffic, () => isOver);
        const codes: (number | string)[] = [];
        const steps = async (): Promise<readonly string[]> => {
          await sleep(BETWEEN);
          const newer = sqlDatabase({
            ...empty.options,
            migrations: [...accountsMigrations, NEWER],
          });
          const begun = performance.now();
          const applied = await newer.migrate();
          const took = Math.ceil(performance.now() - begun);
          await newer.close();
          await sleep(BETWEEN);
          for (const old of [...servers]) {
            const replacement = await startServer(env);
            servers = servers.map((server) => (server === old ? replacement : server));
            codes.push(await stop(old.program));
            await sleep(BETWEEN);
          }
          console.log(`${kind.name}: the change of the tables took ${took} ms`);
          return applied;
        };
        const applied = await steps().finally(() => {
          isOver = true;
        });
        const failures = await working;
        console.log(`${kind.name}: ${traffic.answered() - before} requests during the upgrade`);
        expect(failures).toEqual([]);
        expect([applied, codes]).toEqual([[NEWER.name], [0, 0]]);
        expect(traffic.answered() - before).toBeGreaterThan(10 * PER_SECOND);
      },
      PATIENCE,
    );
  });
});
