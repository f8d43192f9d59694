/** Clients that prove themselves by a certificate (RFC 8705 §2). Rule CL. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  type Client,
  type ClientCertificate,
  type ClientMetadata,
  type Config,
  mutualTls,
} from 'valetkey';
import { afterAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { nameParts } from '../../../src/crypto/certificates.ts';
import { expectRefusal } from '../refusals.ts';
import { type Answer, basic, makeWorld, pkce, REDIRECT_URI, type World } from '../setup.ts';
import { registerIn, sendTo } from './asking.ts';
import { jwkOf, type Made, makeUsual, NOW, SUBJECT, shown } from './certificates.ts';

const { authority, good, other, own } = makeUsual();
afterAll(() => authority.remove());

let world: World;
beforeEach(async () => {
  world = await makeWorld({ features: [mutualTls({ enabled: true })], clock: () => NOW });
});

const register = async (
  method: string,
  fields: Readonly<Record<string, unknown>>,
  more: Partial<ClientMetadata> = {},
): Promise<Client> => await registerIn(world, method, fields, more);
const send = async (
  path: string,
  fields: Readonly<Record<string, string>>,
  certificate: ClientCertificate | null,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> => await sendTo(world, path, fields, certificate, headers);
const ownToken = async (
  { clientId }: Client,
  certificate: ClientCertificate | null,
  more: Readonly<Record<string, string>> = {},
): Promise<Answer> =>
  await send(
    'token/',
    { grant_type: 'client_credentials', client_id: clientId, ...more },
    certificate,
  );

/** A world whose log lines are collected. */
async function logging(config: Partial<Config> = {}): Promise<readonly object[]> {
  const lines: object[] = [];
  const note = (line: object): void => void lines.push(line);
  world = await makeWorld({
    features: [mutualTls({ enabled: true })],
    clock: () => NOW,
    logger: { info: note, warn: note, error: note },
    ...config,
  });
  return lines;
}

const REFUSED = { status: 401, error: 'invalid_client' } as const;

describe('tls_client_auth', () => {
  it.each([
    ['subject', SUBJECT],
    [
      'subject, in capitals and with spaces',
      { tls_client_auth_subject_dn: 'cn=printer + ou=Apps, o=Example\\2c Inc., c=NL' },
    ],
    ['DNS name', { tls_client_auth_san_dns: 'Printer.example' }],
    ['IP address', { tls_client_auth_san_ip: '192.0.2.7' }],
    ['URI', { tls_client_auth_san_uri: 'urn:printer' }],
    ['mail address', { tls_client_auth_san_email: 'printer@example.com' }],
  ])('[RFC8705 §2.1.2] proves by its %s', async (_what, fields) => {
    const client = await register('tls_client_auth', fields);
    expect((await ownToken(client, shown(good, true))).status).toBe(200);
    const refusal = { ...REFUSED, reason: 'certificate_subject' };
    expectRefusal(world, await ownToken(client, shown(other, true)), refusal);
  });
  it.each([
    ['in another order', 'C=NL,O=Example\\, Inc.,CN=printer+OU=Apps'],
    ['a part of it', 'CN=printer+OU=Apps'],
    ['another value', 'CN=Printer+OU=Apps,O=Example\\, Inc.,C=NL'],
    ['more parts', 'CN=printer+OU=Apps,O=Example\\, Inc.,C=NL,DC=x'],
    ['one value that looks like two', 'CN=printer\\+OU=Apps,O=Example\\, Inc.,C=NL'],
  ])('[RFC8705 §2.1.2] not by a subject that is %s', async (_what, dn) => {
    const client = await register('tls_client_auth', { tls_client_auth_subject_dn: dn });
    const refusal = { ...REFUSED, reason: 'certificate_subject' };
    expectRefusal(world, await ownToken(client, shown(good, true)), refusal);
  });
  it.each([
    ['DNS name', { tls_client_auth_san_dns: 'printer' }],
    ['DNS name by the mail address', { tls_client_auth_san_dns: 'printer@example.com' }],
    ['URI by the DNS name', { tls_client_auth_san_uri: 'printer.example' }],
    ['IP address', { tls_client_auth_san_ip: '192.0.2.70' }],
    ['name of nothing', { tls_client_auth_san_email: '' }],
  ])('[RFC8705 §2.1.2] not by another %s', async (_what, fields) => {
    const client = await register('tls_client_auth', fields);
    const refusal = { ...REFUSED, reason: 'certificate_subject' };
    expectRefusal(world, await ownToken(client, shown(good, true)), refusal);
  });
  it('[RFC8705 §2.1] CL-14 not by a certificate that nobody verified, whatever its subject', async () => {
    const client = await register('tls_client_auth', { tls_client_auth_subject_dn: 'CN=own' });
    const refusal = { ...REFUSED, reason: 'certificate_unverified' };
    expectRefusal(world, await ownToken(client, shown(own, false)), refusal);
    expect((await ownToken(client, shown(own, true))).status).toBe(200);
  });
  it.each([
    ['none', {}],
    ['two', { ...SUBJECT, tls_client_auth_san_dns: 'printer.example' }],
  ])('[RFC8705 §2.1.2] %s of the fields is refused at registration', async (_what, fields) => {
    await expect(register('tls_client_auth', fields)).rejects.toThrow(/exactly one/);
  });
  it('[RFC8705 §2.1.2] an IP address is compared by its bytes', async () => {
    const made = authority.issue('/CN=six', 'IP:2001:db8::7');
    const client = await register('tls_client_auth', { tls_client_auth_san_ip: '2001:DB8:0::7' });
    expect((await ownToken(client, shown(made, true))).status).toBe(200);
    const fields = { tls_client_auth_san_ip: '192.0.2' + '.x' };
    await expect(register('tls_client_auth', fields)).rejects.toThrow(/must be an IP address/);
  });
  it('CL-01 CL-13 a certificate without a subject is one of somebody else, no error of ours', async () => {
    const made = authority.issue('/', 'DNS:bare.example');
    const client = await register('tls_client_auth', SUBJECT);
    const refusal = { ...REFUSED, reason: 'certificate_subject' };
    expectRefusal(world, await ownToken(client, shown(made, true)), refusal);
    const named = await register('tls_client_auth', { tls_client_auth_san_dns: 'bare.example' });
    expect((await ownToken(named, shown(made, true))).status).toBe(200);
  });
  it.each([
    ['a unique identifier for a user id', '/uid=admin', 'UID=admin'],
    ['a space that is another character', '/CN=admin\u00a0', 'CN=admin'],
    ['a text that looks like BER', '/CN=#0c0161', 'CN=a'],
    ['a space at the end', '/CN=admin ', 'CN=admin'],
  ])('[RFC4514 §2.4] does not take %s', async (_what, subject, dn) => {
    const client = await register('tls_client_auth', { tls_client_auth_subject_dn: dn });
    const refusal = { ...REFUSED, reason: 'certificate_subject' };
    const made = authority.issue(subject);
    expectRefusal(world, await ownToken(client, shown(made, true)), refusal);
  });
  it.each([
    ['/UID=admin', 'uid=admin'],
    ['/CN=admin ', 'CN=admin\\ '],
    ['/CN= admin', 'CN=\\ admin'],
    ['/CN=Zoë', 'CN=Zoë'],
    ['/CN=Zoë', 'CN=Zo\\C3\\AB'],
    ['/emailAddress=a@b.example', 'EMAIL=a@b.example'],
    ['/CN=a\\, b', 'CN=a\\, b'],
  ])('[RFC4514 §2.4] the subject %s is %s', async (subject, dn) => {
    const client = await register('tls_client_auth', { tls_client_auth_subject_dn: dn });
    expect((await ownToken(client, shown(authority.issue(subject), true))).status).toBe(200);
  });
  it('a name has a longest length', () => {
    expect(nameParts(`CN=a${' '.repeat(1_000_000)}b`)).toBeNull();
    expect(nameParts(`CN=a${' '.repeat(1000)}b`)).toHaveLength(1);
  });
  it.each(['', 'printer', 'CN=printer,', '=printer', 'CN', 'CN=a\\', 'CN=#0c0161'])(
    '[RFC4514 §3] the subject %j is refused at registration',
    async (dn) => {
      const fields = { tls_client_auth_subject_dn: dn };
      await expect(register('tls_client_auth', fields)).rejects.toThrow(/must be a name/);
    },
  );
});

describe('self_signed_tls_client_auth', () => {
  const jwks = (...certificates: readonly Made[]): Partial<ClientMetadata> => ({
    jwks: { keys: certificates.map(jwkOf) },
  });

  it('[RFC8705 §2.2] proves by a key that is registered, verified or not', async () => {
    const client = await register('self_signed_tls_client_auth', {}, jwks(other, own));
    for (const certificate of [shown(own, false), shown(other, true)])
      expect((await ownToken(client, certificate)).status).toBe(200);
    const refusal = { ...REFUSED, reason: 'certificate_key' };
    expectRefusal(world, await ownToken(client, shown(good, true)), refusal);
  });
  it.each([
    ['has ended', 3 * 86_400],
    ['is not valid yet', -3 * 86_400],
  ])('CL-08 not by a certificate that %s', async (_what, seconds) => {
    const features = [mutualTls({ enabled: true })];
    world = await makeWorld({ features, clock: () => NOW + seconds });
    const client = await register('self_signed_tls_client_auth', {}, jwks(own));
    const refusal = { ...REFUSED, reason: 'certificate_expired' };
    expectRefusal(world, await ownToken(client, shown(own, false)), refusal);
  });
  it('[RFC8705 §2.2.2] proves by a key behind its jwks_uri, which may change', async () => {
    let keys = [jwkOf(other)];
    const server = createServer((_request, response) => response.end(JSON.stringify({ keys })));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(async () => void (await new Promise((resolve) => server.close(resolve))));
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    let now = NOW;
    world = await makeWorld({
      features: [mutualTls({ enabled: true })],
      clock: () => now,
      allowOutbound: [origin],
    });
    const client = await register('self_signed_tls_client_auth', {}, { jwksUri: `${origin}/jwks` });
    const refusal = { ...REFUSED, reason: 'certificate_key' };
    expectRefusal(world, await ownToken(client, shown(own, false)), refusal);
    keys = [jwkOf(own)];
    now += 60;
    expect((await ownToken(client, shown(own, false))).status).toBe(200);
    await world.provider.close();
  });
  it('[RFC8705 §2.2.2] says in the log that its jwks_uri holds no JWK Set', async () => {
    const server = createServer((_request, response) => response.end('{"nothing":[]}'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(async () => void (await new Promise((resolve) => server.close(resolve))));
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const lines = await logging({ allowOutbound: [origin] });
    const client = await register('self_signed_tls_client_auth', {}, { jwksUri: `${origin}/jwks` });
    expect((await ownToken(client, shown(own, false))).status).toBe(401);
    const received = 'the document is no JWK Set';
    expect(lines).toContainEqual(expect.objectContaining({ reason: 'certificate_key', received }));
    await world.provider.close();
  });
  it('[RFC7517 §4.2] not by a key that is for encryption', async () => {
    for (const purpose of [{ use: 'enc' }, { key_ops: ['deriveKey'] }]) {
      const keys = { jwks: { keys: [{ ...jwkOf(own), ...purpose }] } };
      const client = await register('self_signed_tls_client_auth', {}, keys);
      const refusal = { ...REFUSED, reason: 'certificate_key' };
      expectRefusal(world, await ownToken(client, shown(own, false)), refusal);
    }
  });
  it('CL-01 a key that Node does not know is none that is registered', async () => {
    const client = await register('self_signed_tls_client_auth', {}, jwks(own));
    const der = Buffer.from(shown(own, false).der);
    // The object identifier of the key: id-ecPublicKey becomes one that nobody knows.
    const at = der.indexOf(Buffer.from('06072a8648ce3d0201', 'hex'));
    der[at + 8] = 0x7f;
    const refusal = { ...REFUSED, reason: 'certificate_key' };
    expectRefusal(world, await ownToken(client, { der, isVerified: false }), refusal);
  });
  it('is refused at registration without keys', async () => {
    await expect(register('self_signed_tls_client_auth', {})).rejects.toThrow(/needs the key/);
  });
});

describe('a certificate', () => {
  it('CL-12 needs a client_id beside it, and says nothing of another client', async () => {
    await register('tls_client_auth', SUBJECT);
    const without = await send('token/', { grant_type: 'client_credentials' }, shown(good, true));
    expectRefusal(world, without, { ...REFUSED, reason: 'client_credentials_missing' });
    const foreign = await ownToken(world.web, shown(good, true));
    expectRefusal(world, foreign, { ...REFUSED, reason: 'client_authentication_method' });
  });
  it('is named in the log where the client shows none: what to change is not its secret', async () => {
    const lines = await logging();
    await ownToken(await register('tls_client_auth', SUBJECT), null);
    const remedy = expect.stringMatching(/^the certificate reaches this server/);
    expect(lines).toContainEqual(expect.objectContaining({ remedy }));
  });
  it('CL-02 does not stand for a secret, and a secret does not stand for it', async () => {
    const client = await register('tls_client_auth', SUBJECT);
    const refusal = { ...REFUSED, reason: 'client_authentication_method' };
    expectRefusal(world, await ownToken(client, null), refusal);
    const secret = { client_secret: 'a'.repeat(40) };
    expectRefusal(world, await ownToken(client, shown(good, true), secret), refusal);
  });
  it('is no proof too many beside a secret, nor for a public client', async () => {
    const headers = { authorization: basic(world.web.clientId, world.webSecret) };
    const grant = { grant_type: 'client_credentials' };
    expect((await send('token/', grant, shown(good, true), headers)).status).toBe(200);
    const fields = { grant_type: 'authorization_code', code: 'x', client_id: world.spa.clientId };
    const answer = await send('token/', fields, shown(good, true));
    expect(answer.body['error']).toBe('invalid_grant');
  });
  it('CL-13 wrong ones are limited like wrong secrets', async () => {
    const client = await register('tls_client_auth', SUBJECT);
    let last = 0;
    for (let call = 0; call < 21; call += 1)
      last = (await ownToken(client, shown(other, true))).status;
    expect(last).toBe(429);
  });
  it.each([
    ['revoke_token/', { token: 'x' }, 200],
    ['introspect/', { token: 'x' }, 200],
    [
      'par/',
      {
        response_type: 'code',
        redirect_uri: REDIRECT_URI,
        scope: 'read',
        code_challenge: pkce().challenge,
        code_challenge_method: 'S256',
      },
      201,
    ],
  ])('CL-17 proves at %s as at the token endpoint', async (path, fields, status) => {
    const client = await register('tls_client_auth', SUBJECT);
    const named = { ...fields, client_id: client.clientId };
    expect((await send(path, named, shown(good, true))).status).toBe(status);
    for (const wrong of [shown(good, false), shown(other, true), null])
      expect((await send(path, named, wrong)).status).toBe(401);
  });
});
