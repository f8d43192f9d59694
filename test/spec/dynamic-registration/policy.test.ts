/** Software statements and the policy of a host (RFC 7591 §2.3). */
import { generateKeyPairSync, sign } from 'node:crypto';
import {
  type DynamicRegistrationOptions,
  dynamicRegistration,
  type RegistrationRequest,
} from 'valetkey';
import { beforeEach, describe, expect, it } from 'vitest';
import { expectRefusal } from '../refusals.ts';
import { ISSUER, makeWorld, type World } from '../setup.ts';
import {
  GOOD,
  howMany,
  register,
  registered,
  registeringWorld,
  send,
  tokenFor,
} from './registering.ts';

const TRUSTED = 'https://federation.example';
const key = generateKeyPairSync('ed25519');
const other = generateKeyPairSync('ed25519');
const jwks = { keys: [{ ...key.publicKey.export({ format: 'jwk' }), kid: 'one' }] };

function statementOf(
  claims: object,
  { alg = 'EdDSA', typ = 'JWT', by = key, kid = 'one' } = {},
): string {
  const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');
  const input = `${encode({ alg, typ, kid })}.${encode({ iss: TRUSTED, ...claims })}`;
  return `${input}.${sign(null, Buffer.from(input), by.privateKey).toString('base64url')}`;
}

const SIGNED = { client_name: 'Approved', software_id: 'approved-1' };
let world: World;

describe('software statements', () => {
  const rules = { softwareStatementIssuers: { [TRUSTED]: jwks }, requireSoftwareStatement: true };
  beforeEach(async () => {
    world = await registeringWorld(rules);
  });
  const withStatement = async (statement: unknown, more: object = {}) =>
    await register(
      world,
      { ...GOOD, ...more, software_statement: statement },
      { token: await tokenFor(world) },
    );

  it('[RFC7591 §2.3] its values take the place of what the client says, and it comes back', async () => {
    const statement = statementOf(SIGNED);
    const answer = await withStatement(statement, { client_name: 'Mine', software_version: '2' });
    expect(answer.status).toBe(201);
    expect(answer.body).toMatchObject({
      ...SIGNED,
      redirect_uris: GOOD.redirect_uris,
      software_statement: statement,
      software_version: '2',
    });
  });
  it('[RFC7591 §2.3] RG-03 it gives nothing that is the operator’s', async () => {
    const { body } = await withStatement(statementOf({ ...SIGNED, skip_consent: true }));
    const client = await world.provider.clients.find(String(body['client_id']));
    expect(client?.skipConsent).toBe(false);
  });
  it.each<readonly [what: string, statement: () => unknown, error: string]>([
    ['none', () => undefined, 'invalid_software_statement'],
    ['one that is no text', () => ({}), 'invalid_software_statement'],
    ['one that is no JWT', () => 'a.b.c', 'invalid_software_statement'],
    ['one of nobody', () => statementOf({ iss: undefined }), 'unapproved_software_statement'],
    [
      'one of somebody else',
      () => statementOf({ iss: 'https://evil.example' }),
      'unapproved_software_statement',
    ],
    [
      'one of a name of objects',
      () => statementOf({ iss: 'constructor' }),
      'unapproved_software_statement',
    ],
    ['one by another key', () => statementOf(SIGNED, { by: other }), 'invalid_software_statement'],
    [
      'one by a key that is not there',
      () => statementOf(SIGNED, { kid: 'two' }),
      'invalid_software_statement',
    ],
    [
      'one without an algorithm',
      () => statementOf(SIGNED, { alg: 'none' }),
      'invalid_software_statement',
    ],
    [
      'one by a shared secret',
      () => statementOf(SIGNED, { alg: 'HS256' }),
      'invalid_software_statement',
    ],
    [
      'a token of another kind',
      () => statementOf(SIGNED, { typ: 'at+jwt' }),
      'invalid_software_statement',
    ],
    [
      'one that has ended',
      () => statementOf({ ...SIGNED, exp: world.now - 60 }),
      'invalid_software_statement',
    ],
    [
      'one that is not valid yet',
      () => statementOf({ ...SIGNED, nbf: world.now + 3600 }),
      'invalid_software_statement',
    ],
  ])('[RFC7591 §3.2.2] %s is refused', async (_what, statement, error) => {
    const reason =
      error === 'unapproved_software_statement'
        ? 'software_statement_issuer'
        : 'software_statement';
    expectRefusal(world, await withStatement(statement()), { status: 400, error, reason });
    expect(await howMany(world)).toBe(0);
  });
  it('one for this server is good', async () => {
    const { status } = await withStatement(statementOf({ ...SIGNED, aud: [ISSUER] }));
    expect(status).toBe(201);
  });
  it('a character that databases refuse is refused in a statement as well', async () => {
    const { status, body } = await withStatement(statementOf({ ...SIGNED, contacts: ['a\0b'] }));
    expect([status, body['error']]).toEqual([400, 'invalid_client_metadata']);
  });
  it('where they are required and nobody may sign them, nobody registers', async () => {
    world = await registeringWorld({ requireSoftwareStatement: true });
    expect((await withStatement(undefined)).body['error']).toBe('invalid_software_statement');
    const { body } = await withStatement(statementOf(SIGNED));
    expect(body['error']).toBe('unapproved_software_statement');
  });
  it('[RFC7591 §3.1.1] without issuers they are ignored', async () => {
    world = await registeringWorld();
    const { status, body } = await withStatement('anything');
    expect([status, body['client_name']]).toEqual([201, GOOD.client_name]);
  });
  it.each([
    ['no keys', { [TRUSTED]: 1 }],
    ['no address', { [TRUSTED]: 'keys' }],
    ['a private key', { [TRUSTED]: { keys: [key.privateKey.export({ format: 'jwk' })] } }],
  ])('%s stops the start', async (_what, softwareStatementIssuers) => {
    const features = [dynamicRegistration({ enabled: true, softwareStatementIssuers })];
    await expect(makeWorld({ features })).rejects.toThrow(/has no public keys/);
  });
});

describe('the policy of a host', () => {
  let asked: RegistrationRequest[];
  const world1 = async (policy: DynamicRegistrationOptions['policy']): Promise<World> => {
    asked = [];
    return await registeringWorld({
      policy: (request) => {
        asked.push(request);
        return policy?.(request) ?? null;
      },
    });
  };

  it('hears who asks for what', async () => {
    world = await world1(null);
    await registered(world);
    expect(asked).toHaveLength(1);
    const [{ metadata, client, initialAccessToken, softwareStatement, request }] = asked as [
      RegistrationRequest,
    ];
    expect([client, initialAccessToken, softwareStatement]).toEqual([null, 'a team', null]);
    expect([metadata.name, request?.address]).toEqual(['My app', '192.0.2.7']);
  });
  it('refuses, in its own words', async () => {
    world = await world1(() => ({ refuse: 'Only "approved" apps\n' }));
    const answer = await register(world, GOOD, { token: await tokenFor(world) });
    expectRefusal(world, answer, {
      status: 400,
      error: 'invalid_client_metadata',
      reason: 'registration_policy',
    });
    expect(answer.body['error_description']).toBe("Only 'approved' apps?");
    expect(await howMany(world)).toBe(0);
  });
  it('gives what is the operator’s to give, within the rules for all clients', async () => {
    world = await world1(({ metadata }) => ({ metadata: { ...metadata, skipConsent: true } }));
    const { client_id } = await registered(world);
    expect((await world.provider.clients.find(client_id))?.skipConsent).toBe(true);
    world = await world1(({ metadata }) => ({ metadata: { ...metadata, redirectUris: ['x'] } }));
    const answer = await register(world, GOOD, { token: await tokenFor(world) });
    expect([answer.status, answer.body['error']]).toEqual([400, 'invalid_redirect_uri']);
  });
  it('decides about changes as well', async () => {
    world = await world1(({ client }) => (client === null ? null : { refuse: 'No changes.' }));
    const own = await registered(world);
    const body = { ...GOOD, client_id: own.client_id };
    const token = own.registration_access_token;
    const answer = await send(world, 'PUT', own.registration_client_uri, body, { token });
    expect([answer.status, answer.body['error_description']]).toEqual([400, 'No changes.']);
    expect(asked[1]?.client?.clientId).toBe(own.client_id);
  });
  it('that fails is an error of ours, and nothing is registered', async () => {
    world = await world1(() => {
      throw new Error('broken');
    });
    expect((await register(world, GOOD, { token: await tokenFor(world) })).status).toBe(500);
    expect(await howMany(world)).toBe(0);
  });
  it('must be a function', async () => {
    const features = [dynamicRegistration({ enabled: true, policy: 'x' as never })];
    await expect(makeWorld({ features })).rejects.toThrow(/policy: must be a function/);
  });
});
