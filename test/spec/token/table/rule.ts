/** What a rule of the table is, and what its checks share. */
import { expect } from 'vitest';
import { type Answer, post } from '../../setup.ts';
import { type ClientKind, type Proof, proves } from './clients.ts';
import { ask, type Case, type GrantRow } from './grants.ts';

export type Fields = Readonly<Record<string, string>>;

/** A rule: where it holds, and what shows that it does. */
export interface Rule {
  readonly title: string;
  /** @default everywhere where the kind of client may use the grant */
  readonly holds?: (grant: GrantRow, kind: ClientKind) => boolean;
  /** @param fields of a good request */
  check(one: Case, fields: Fields): Promise<void>;
}

/** True where this kind of client gets tokens by this grant. */
export const isAllowed = (grant: GrantRow, kind: ClientKind): boolean =>
  grant.forPublic || !kind.isPublic;

/** The proof was not used up: the good request still gets tokens. */
export async function expectUnused(one: Case, fields: Fields): Promise<Answer> {
  const answer = await ask(one, fields);
  expect([answer.status, answer.body['error']]).toEqual([200, undefined]);
  return answer;
}

/** A refusal with this error, that nobody caches and that uses nothing up. */
export async function expectRefused(
  one: Case,
  answer: Answer,
  error: string,
  fields: Fields | null,
  status = error === 'invalid_client' ? 401 : 400,
): Promise<void> {
  expect(
    [answer.status, answer.body['error'], answer.headers.get('cache-control')],
    JSON.stringify(answer.body),
  ).toEqual([status, error, 'no-store']);
  expect(answer.body['access_token']).toBeUndefined();
  if (fields !== null) await expectUnused(one, fields);
}

/** The same, of a request that fails after its proof was looked at. */
export async function expectOutOfBounds(
  one: Case,
  answer: Answer,
  error: string,
  fields: Fields,
): Promise<void> {
  await expectRefused(one, answer, error, one.grant.burns ? await one.grant.make(one) : fields);
}

/** Posts a request with this proof of a client instead of its own. */
export async function askAs({ world }: Case, proof: Proof, fields: Fields): Promise<Answer> {
  return await post(world, 'token', { ...proof.fields, ...fields }, proof.headers);
}

/** Posts a body as it is, with the proof of the client before it. */
export async function askRaw(
  { world, kind, holder }: Case,
  body: string,
  more: Fields = {},
): Promise<Answer> {
  const proof = proves(world, kind, holder);
  const own = new URLSearchParams(proof.fields).toString();
  return await post(world, 'token', own === '' ? body : `${own}&${body}`, {
    ...proof.headers,
    ...more,
  });
}

/** What the provider knows of a token, as an operator sees it. */
export async function isLive({ world }: Case, token: unknown): Promise<boolean> {
  return (await world.provider.tokens.inspect(String(token)))?.state === 'active';
}

/** The tokens of a good request. */
export async function tokensOf(one: Case, fields: Fields): Promise<Record<string, unknown>> {
  return (await expectUnused(one, fields)).body;
}
