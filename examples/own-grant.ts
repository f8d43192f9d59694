/**
 * A grant type of your own: people who open a link from a mail get tokens, once, without a
 * password. Sending the mail is yours; here its link is printed. Run it: `npx tsx
 * examples/own-grant.ts`
 */
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import {
  createProvider,
  defineGrant,
  isUsable,
  memoryDatabase,
  newHandle,
  newOneTimeRecord,
  OAuthError,
  sha256,
} from 'valetkey';
import { nodeListener } from 'valetkey/node';
import { builtInPages } from 'valetkey/pages';
import { memoryAccounts } from 'valetkey/testing';

const KIND = 'mail-link';
const TEN_MINUTES = 600;
const scopes = ['openid', 'read'];

/** Proves a link and says what to consume. The token endpoint checks client, account and scopes. */
const mailLink = defineGrant({
  type: 'urn:example:mail-link',
  params: (params) => ({ link: params.need('link') }),
  async redeem(ctx, { clientId }, { link }) {
    const record = await ctx.store.oneTime.find({ kind: KIND, digest: sha256(link) });
    if (!isUsable(record, ctx.now()))
      throw new OAuthError('invalid_grant', 'mail_link', 'The link is not valid.');
    const login = { authTime: ctx.now(), amr: ['mail'], acr: null, sid: null };
    return {
      entitlement: {
        ...login,
        clientId,
        sub: record.payload,
        authorizationId: null,
        scopes,
        details: {},
      },
      scopes,
      nonce: null,
      refreshable: false,
      consumption: { kind: 'one_time_record', record },
    };
  },
});

const port = Number(process.env['PORT'] ?? 4000);
const provider = createProvider({
  issuer: `http://localhost:${port}`,
  store: memoryDatabase(),
  accounts: memoryAccounts([{ sub: 'alice', username: 'alice', password: 'wonderland' }]),
  pages: builtInPages(),
  scopes: { read: 'Read your data' },
  grants: [mailLink],
});

/** Makes a link that is good once. Only its digest is stored. */
async function makeLink(sub: string): Promise<string> {
  const link = newHandle('vkml_', (size) => randomBytes(size));
  const expiresAt = Math.floor(Date.now() / 1000) + TEN_MINUTES;
  const facts = { kind: KIND, digest: sha256(link), payload: sub, expiresAt };
  await provider.store.oneTime.put(newOneTimeRecord(facts));
  return link;
}

const { client, clientSecret } = await provider.clients.create({
  name: 'My application',
  grantTypes: ['urn:example:mail-link', 'client_credentials'],
});
createServer(nodeListener(provider)).listen(port, 'localhost', async () => {
  console.log(`client_id ${client.clientId}\nclient_secret ${clientSecret}`);
  console.log(`link ${await makeLink('alice')}`);
});
