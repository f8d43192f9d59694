/** The grants of the table: what a good request of each is, and what its proof is worth. */

import { createHash, randomUUID } from 'node:crypto';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import {
  authorizationDetailType,
  defineGrant,
  isUsable,
  jwtBearer,
  newOneTimeRecord,
  OAuthError,
  passwordGrant,
  resourceIndicators,
  richAuthorizationRequests,
  tokenExchange,
} from 'valetkey';
import { DEVICE_GRANT, type Device, toConfirmation } from '../../device-authorization/device.ts';
import { send } from '../../jwt-client-authentication/assertions.ts';
import {
  ALICE,
  type Answer,
  allow,
  browserOf,
  getCode,
  ISSUER,
  makeWorld,
  pkce,
  post,
  REDIRECT_URI,
  type World,
} from '../../setup.ts';
import { ACCESS_TOKEN, EXCHANGE } from '../../token-exchange/exchange.ts';
import { type ClientKind, type Holder, proves, register } from './clients.ts';

type Fields = Readonly<Record<string, string>>;

/** One place of the table: a client of a kind, and a grant. */
export interface Case {
  readonly world: World;
  readonly kind: ClientKind;
  readonly grant: GrantRow;
  readonly holder: Holder;
  /** Another client of the same kind. */
  readonly other: Holder;
}

/** A grant of the table. */
export interface GrantRow {
  readonly type: string;
  /** The parameter that proves; null: the client itself does. */
  readonly proof: string | null;
  /** The error of a proof that is worth nothing. */
  readonly error: 'invalid_grant' | 'invalid_request';
  /** Somebody is the subject, rather than the client. */
  readonly isForUser: boolean;
  /** Clients that prove nothing may use it. */
  readonly forPublic: boolean;
  /** The proof is good once. */
  readonly isOnce: boolean;
  /** The proof is used up also where the request fails after it was looked at (RFC 7523 §3). */
  readonly burns: boolean;
  /** The proof belongs to one client. */
  readonly isOwn: boolean;
  /** Reads the parameter `scope`. */
  readonly readsScope: boolean;
  /** Answers with a refresh token. */
  readonly refreshes: boolean;
  /** Answers with an ID token, for `openid`. */
  readonly identifies: boolean;
  /** Seconds after which its proof has expired; null: it does not expire by itself. */
  readonly endsAfter: number | null;
  /** Fields of a good request, for `openid read` or `read`. */
  make(one: Case): Promise<Fields>;
}

export const [API, OTHER_API] = ['https://api.example/v1', 'https://other.example/v1'];
const TRUSTED = 'https://trusted.example';
const BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const OWN = 'urn:example:mail-link';
const KEYS = await generateKeyPair('ES256');
const JWKS = { keys: [{ ...(await exportJWK(KEYS.publicKey)), kid: 'one' }] };

const own = defineGrant({
  type: OWN,
  params: (params) => ({ link: params.need('link') }),
  async redeem(ctx, { clientId }, { link }) {
    const record = await ctx.store.oneTime.find({ kind: 'mail-link', digest: digestOf(link) });
    const [owner, sub = ''] = record?.payload.split(' ') ?? [];
    if (!isUsable(record, ctx.now()) || owner !== clientId)
      throw new OAuthError('invalid_grant', 'mail_link', 'The link is not valid.');
    const login = { authTime: ctx.now(), amr: ['mail'], acr: null, sid: null };
    const scopes = ['openid', 'read'];
    return {
      entitlement: { ...login, clientId, sub, authorizationId: null, scopes, details: {} },
      scopes,
      nonce: null,
      refreshable: true,
      consumption: { kind: 'one_time_record', record },
    };
  },
});

const digestOf = (text: string): string => createHash('sha256').update(text).digest('base64url');

/** Posts a token request of a client, proven. */
export async function ask(
  { world, kind, holder }: Pick<Case, 'world' | 'kind' | 'holder'>,
  fields: Fields,
): Promise<Answer> {
  const proof = proves(world, kind, holder);
  return await post(world, 'token', { ...proof.fields, ...fields }, proof.headers);
}

async function codeFields({ world, holder }: Case): Promise<Fields> {
  const proof = pkce();
  const request = { client_id: holder.client.clientId, scope: 'openid read', prompt: 'consent' };
  const code = await getCode(world, proof, request);
  const fields = { code, code_verifier: proof.verifier, redirect_uri: REDIRECT_URI };
  return { grant_type: 'authorization_code', ...fields };
}

/** Tokens by a code, for grants that begin with a token. */
async function tokensOf(one: Case, holder = one.holder): Promise<Record<string, string>> {
  const { body } = await ask({ ...one, holder }, await codeFields({ ...one, holder }));
  return body as Record<string, string>;
}

async function deviceFields({ world, kind, holder }: Case): Promise<Fields> {
  const { fields, headers } = proves(world, kind, holder);
  const begun = { scope: 'openid read', ...fields };
  const { body } = await send(world, 'device_authorization/', begun, headers);
  const device = body as unknown as Device;
  const browser = browserOf(world);
  await allow(browser, await toConfirmation(browser, device));
  return { grant_type: DEVICE_GRANT, device_code: device.device_code };
}

async function assertion(world: World, claims: object = {}): Promise<string> {
  const { now } = world;
  const payload = { iss: TRUSTED, sub: ALICE.sub, aud: ISSUER, iat: now, exp: now + 300 };
  return await new SignJWT({ ...payload, jti: randomUUID(), ...claims })
    .setProtectedHeader({ alg: 'ES256', kid: 'one' })
    .sign(KEYS.privateKey);
}

async function linkFields({ world, holder }: Case): Promise<Fields> {
  const link = randomUUID();
  const facts = { kind: 'mail-link', digest: digestOf(link), expiresAt: world.now + 600 };
  const payload = `${holder.client.clientId} ${ALICE.sub}`;
  await world.provider.store.oneTime.put(newOneTimeRecord({ ...facts, payload }));
  return { grant_type: OWN, link };
}

const USER = {
  error: 'invalid_grant',
  isForUser: true,
  forPublic: true,
  isOnce: true,
  burns: false,
  isOwn: true,
  readsScope: false,
  refreshes: true,
  identifies: true,
} as const;

export const GRANTS: readonly GrantRow[] = [
  { ...USER, type: 'authorization_code', proof: 'code', endsAfter: 61, make: codeFields },
  {
    ...USER,
    type: 'refresh_token',
    proof: 'refresh_token',
    isOnce: false,
    readsScope: true,
    endsAfter: 15 * 24 * 3600,
    make: async (one) => ({
      grant_type: 'refresh_token',
      refresh_token: String((await tokensOf(one))['refresh_token']),
    }),
  },
  { ...USER, type: DEVICE_GRANT, proof: 'device_code', endsAfter: 1801, make: deviceFields },
  {
    ...USER,
    type: 'client_credentials',
    proof: null,
    isForUser: false,
    forPublic: false,
    isOnce: false,
    readsScope: true,
    refreshes: false,
    identifies: false,
    endsAfter: null,
    make: async () => await Promise.resolve({ grant_type: 'client_credentials', scope: 'read' }),
  },
  {
    ...USER,
    type: 'password',
    proof: 'password',
    isOnce: false,
    isOwn: false,
    readsScope: true,
    endsAfter: null,
    make: async () =>
      await Promise.resolve({
        grant_type: 'password',
        username: ALICE.username,
        password: ALICE.password,
        scope: 'openid read',
      }),
  },
  {
    ...USER,
    type: EXCHANGE,
    proof: 'subject_token',
    error: 'invalid_request',
    forPublic: false,
    isOnce: false,
    isOwn: false,
    readsScope: true,
    refreshes: false,
    identifies: false,
    endsAfter: 901,
    make: async (one) => ({
      grant_type: EXCHANGE,
      subject_token: String((await tokensOf(one, one.other))['access_token']),
      subject_token_type: ACCESS_TOKEN,
    }),
  },
  {
    ...USER,
    type: BEARER,
    proof: 'assertion',
    burns: true,
    forPublic: false,
    isOwn: false,
    readsScope: true,
    refreshes: false,
    identifies: false,
    endsAfter: 331,
    make: async ({ world }) => ({
      grant_type: BEARER,
      assertion: await assertion(world),
      scope: 'openid read',
    }),
  },
  { ...USER, type: OWN, proof: 'link', endsAfter: 601, make: linkFields },
];

/** A world with two clients of a kind, which may use every grant that the kind may. */
export async function makeCase(grant: GrantRow, kind: ClientKind): Promise<Case> {
  const world = await makeWorld({
    grants: [own],
    features: [
      passwordGrant({ allowPasswordGrant: true }),
      tokenExchange({ policy: () => ({ allow: true, allowBoundSubject: true }) }),
      jwtBearer({
        issuers: [{ issuer: TRUSTED, jwks: JWKS }],
        subject: ({ claims }) => String(claims['sub']),
      }),
      resourceIndicators({
        enabled: true,
        resources: [{ resource: API, tokenFormat: 'jwt', scopes: ['read'] }, OTHER_API],
      }),
      richAuthorizationRequests({
        types: [
          authorizationDetailType({
            type: 'payment',
            read: (detail) => detail,
            describe: () => 'Pay',
          }),
        ],
      }),
    ],
  });
  // A client that proves nothing may be registered for all but client_credentials, and is refused.
  const types = GRANTS.map(({ type }) => type).filter(
    (type) => !kind.isPublic || type !== 'client_credentials',
  );
  const holder = await register(world, kind, types);
  const other = await register(world, kind, types);
  return { world, kind, grant, holder, other };
}
