/**
 * A provider whose signing key never leaves a hardware security module (HSM), by PKCS#11. Tried
 * with SoftHSM. `npm install pkcs11js`, make a token, and run it:
 *
 *   softhsm2-util --init-token --free --label valetkey --pin 1234 --so-pin 1234
 *   PKCS11_MODULE=/usr/lib/softhsm/libsofthsm2.so PKCS11_PIN=1234 npx tsx examples/hsm.ts
 */
import { createHash } from 'node:crypto';
import { serve } from '@hono/node-server';
import { createProvider, memoryDatabase, type Signer } from 'valetkey';
import { builtInPages } from 'valetkey/pages';
import { memoryAccounts } from 'valetkey/testing';

/** The part of pkcs11js that this program uses; see its documentation. */
interface Pkcs11 {
  load(path: string): void;
  C_Initialize(): void;
  C_GetSlotList(withToken: boolean): Buffer[];
  C_OpenSession(slot: Buffer, flags: number): Buffer;
  C_Login(session: Buffer, user: number, pin: string): void;
  C_FindObjectsInit(session: Buffer, template: Attribute[]): void;
  C_FindObjects(session: Buffer): Buffer | null;
  C_FindObjectsFinal(session: Buffer): void;
  C_GenerateKeyPair(
    session: Buffer,
    mechanism: { mechanism: number },
    publicKey: Attribute[],
    privateKey: Attribute[],
  ): unknown;
  C_GetAttributeValue(session: Buffer, key: Buffer, template: Attribute[]): Attribute[];
  C_SignInit(session: Buffer, mechanism: { mechanism: number }, key: Buffer): void;
  C_SignAsync(session: Buffer, data: Buffer, signature: Buffer): Promise<Buffer>;
}
interface Attribute {
  readonly type: number;
  readonly value?: unknown;
}
type Names = Readonly<Record<string, number>> & { readonly PKCS11: new () => Pkcs11 };

const LABEL = 'valetkey-es256';
/** The curve P-256, as DER. */
const P256 = Buffer.from('06082a8648ce3d030107', 'hex');

const name = process.env['PKCS11JS'] ?? 'pkcs11js';
const imported = (await import(name)) as { readonly default: Names };
const names = imported.default;
const constant = (key: string): number => names[key] as number;

/** A key pair in the module: the one of this label, made at the first start. */
function es256Signer(module: string, pin: string): Signer {
  const token = new names.PKCS11();
  token.load(module);
  token.C_Initialize();
  const [slot] = token.C_GetSlotList(true);
  if (slot === undefined) throw new Error('The module has no token.');
  const flags = constant('CKF_SERIAL_SESSION') | constant('CKF_RW_SESSION');
  const session = token.C_OpenSession(slot, flags);
  token.C_Login(session, constant('CKU_USER'), pin);

  const find = (kind: string): Buffer | null => {
    token.C_FindObjectsInit(session, [
      { type: constant('CKA_CLASS'), value: constant(kind) },
      { type: constant('CKA_LABEL'), value: LABEL },
    ]);
    const found = token.C_FindObjects(session);
    token.C_FindObjectsFinal(session);
    return found;
  };
  if (find('CKO_PRIVATE_KEY') === null) {
    const kept = { type: constant('CKA_TOKEN'), value: true };
    const label = { type: constant('CKA_LABEL'), value: LABEL };
    token.C_GenerateKeyPair(
      session,
      { mechanism: constant('CKM_EC_KEY_PAIR_GEN') },
      [kept, label, { type: constant('CKA_EC_PARAMS'), value: P256 }],
      [
        kept,
        label,
        { type: constant('CKA_SIGN'), value: true },
        { type: constant('CKA_SENSITIVE'), value: true },
        { type: constant('CKA_EXTRACTABLE'), value: false },
      ],
    );
  }
  const [privateKey, publicKey] = [find('CKO_PRIVATE_KEY'), find('CKO_PUBLIC_KEY')];
  if (privateKey === null || publicKey === null) throw new Error(`There is no key ${LABEL}.`);
  const [point] = token.C_GetAttributeValue(session, publicKey, [
    { type: constant('CKA_EC_POINT') },
  ]);
  // DER: two bytes of an OCTET STRING, 04, and the two coordinates.
  const coordinates = Buffer.from(point?.value as Buffer).subarray(-64);

  // A session makes one signature at a time.
  let last: Promise<unknown> = Promise.resolve();
  return {
    alg: 'ES256',
    active: true,
    publicKey: {
      kty: 'EC',
      crv: 'P-256',
      x: coordinates.subarray(0, 32).toString('base64url'),
      y: coordinates.subarray(32).toString('base64url'),
    },
    async sign(data) {
      const digest = createHash('sha256').update(data).digest();
      const signed = last.then(async () => {
        token.C_SignInit(session, { mechanism: constant('CKM_ECDSA') }, privateKey);
        // PKCS#11 gives r and s side by side, which is what a JWT needs.
        return await token.C_SignAsync(session, digest, Buffer.alloc(64));
      });
      last = signed.catch(() => undefined);
      return await signed;
    },
  };
}

const port = Number(process.env['PORT'] ?? 4000);
const { PKCS11_MODULE = '', PKCS11_PIN = '' } = process.env;
const accounts = memoryAccounts([
  { sub: 'alice', username: 'alice', password: 'wonderland', claims: { name: 'Alice' } },
]);
const provider = createProvider({
  issuer: `http://localhost:${port}`,
  store: memoryDatabase(),
  accounts,
  pages: builtInPages(),
  signingKeys: [es256Signer(PKCS11_MODULE, PKCS11_PIN)],
});
// Signs a probe, so that a module that does not work is found now.
await provider.maintain();

const { client, clientSecret } = await provider.clients.create({
  name: 'My application',
  redirectUris: ['http://127.0.0.1:8400/callback'],
});
serve({ fetch: async (request) => await provider.fetch(request), port }, () => {
  console.log(
    `${provider.issuer}/.well-known/openid-configuration\nclient_id ${client.clientId}\nclient_secret ${clientSecret}`,
  );
});
