/**
 * Storage for oidc-provider, in the shape that its documentation describes: one adapter per model.
 * Its own memory adapter keeps 1000 records and forgets sessions under load, so this one in memory
 * keeps all. The one on PostgreSQL has one table, prepared statements, and as many connections as
 * Valetkey.
 */
import pg from 'pg';

type Payload = Readonly<Record<string, unknown>>;

export interface PeerAdapter {
  upsert(id: string, payload: Payload, expiresIn?: number): Promise<void>;
  find(id: string): Promise<Payload | undefined>;
  findByUid(uid: string): Promise<Payload | undefined>;
  findByUserCode(userCode: string): Promise<Payload | undefined>;
  consume(id: string): Promise<void>;
  destroy(id: string): Promise<void>;
  revokeByGrantId(grantId: string): Promise<void>;
}

/** Makes the adapter of a model, such as `AccessToken`. */
export type AdapterFactory = (model: string) => PeerAdapter;

const POOL_SIZE = 10;

export function memoryAdapters(): AdapterFactory {
  const records = new Map<string, Payload>();
  const byUid = new Map<string, string>();
  const byGrant = new Map<string, string[]>();
  return (model) => {
    const keyOf = (id: string): string => `${model}:${id}`;
    return {
      async upsert(id, payload) {
        const { uid, grantId } = payload;
        if (model === 'Session' && typeof uid === 'string') byUid.set(uid, keyOf(id));
        else if (typeof grantId === 'string') {
          const keys = byGrant.get(grantId) ?? [];
          byGrant.set(grantId, keys);
          keys.push(keyOf(id));
        }
        records.set(keyOf(id), payload);
      },
      find: async (id) => records.get(keyOf(id)),
      findByUid: async (uid) => records.get(byUid.get(uid) ?? ''),
      findByUserCode: async () => undefined,
      async consume(id) {
        const payload = records.get(keyOf(id));
        if (payload !== undefined) Object.assign(payload, { consumed: seconds() });
      },
      async destroy(id) {
        records.delete(keyOf(id));
      },
      async revokeByGrantId(grantId) {
        for (const key of byGrant.get(grantId) ?? []) records.delete(key);
        byGrant.delete(grantId);
      },
    };
  };
}

interface Row {
  readonly payload: Payload;
  readonly consumed_at: number | null;
}

export async function postgresAdapters(url: string, prefix: string): Promise<AdapterFactory> {
  const table = `${prefix}oidc_payloads`;
  const pool = new pg.Pool({ connectionString: url, max: POOL_SIZE });
  await pool.query(tableStatements(table));
  // A statement with a name is prepared once per connection.
  const run = async (name: string, text: string, values: unknown[]): Promise<Row[]> =>
    (await pool.query<Row>({ name, text, values })).rows;
  const findWhere = async (column: string, value: string, model: string) => {
    const [row] = await run(
      `find by ${column}`,
      `select payload, consumed_at from ${table} where ${column} = $1 and model = $2
        and (expires_at is null or expires_at > $3)`,
      [value, model, seconds()],
    );
    if (row === undefined) return undefined;
    return row.consumed_at === null ? row.payload : { ...row.payload, consumed: row.consumed_at };
  };
  return (model) => ({
    async upsert(id, payload, expiresIn) {
      await run(
        'upsert',
        `insert into ${table} (id, model, payload, grant_id, user_code, uid, expires_at)
          values ($1, $2, $3, $4, $5, $6, $7)
          on conflict (id, model) do update set payload = excluded.payload,
            grant_id = excluded.grant_id, user_code = excluded.user_code, uid = excluded.uid,
            expires_at = excluded.expires_at`,
        [
          id,
          model,
          JSON.stringify(payload),
          payload['grantId'] ?? null,
          payload['userCode'] ?? null,
          payload['uid'] ?? null,
          expiresIn === undefined ? null : seconds() + expiresIn,
        ],
      );
    },
    find: async (id) => await findWhere('id', id, model),
    findByUid: async (uid) => await findWhere('uid', uid, model),
    findByUserCode: async (userCode) => await findWhere('user_code', userCode, model),
    async consume(id) {
      const text = `update ${table} set consumed_at = $3 where id = $1 and model = $2`;
      await run('consume', text, [id, model, seconds()]);
    },
    async destroy(id) {
      await run('destroy', `delete from ${table} where id = $1 and model = $2`, [id, model]);
    },
    async revokeByGrantId(grantId) {
      const text = `delete from ${table} where grant_id = $1 and model = $2`;
      await run('revoke', text, [grantId, model]);
    },
  });
}

function tableStatements(table: string): string {
  return `create table ${table} (id text not null, model text not null, payload jsonb not null,
      grant_id text, user_code text, uid text, expires_at integer, consumed_at integer,
      primary key (id, model));
    create index on ${table} (grant_id);
    create index on ${table} (uid);
    create index on ${table} (user_code);
    create index on ${table} (expires_at)`;
}

function seconds(): number {
  return Math.floor(Date.now() / 1000);
}
