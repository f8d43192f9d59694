/**
 * A grant type of your own: people who open a link from a mail get tokens, once, without a
 * password. Sending the mail is yours; here its link is printed. Run it: `npx tsx
 * examples/own-grant.ts`
 */
import { createServer } from 'node:http';
import * as valetkey from 'valetkey';
import { nodeListener } from 'valetkey/node';
import { builtInPages } from 'valetkey/pages';
import { memoryAccounts } from 'valetkey/testing';

const KIND = 'mail-link';
const scopes = ['openid', 'read'];

/** Proves a link and says what to consume. The token endpoint checks client, account and scopes. */
const mailLink = valetkey.defineGrant({
  type: 'urn:example:mail-link',
  params: (params) => ({ link: params.need('link') }),
  async redeem(ctx, { clientId }, { link }) {
    const digest = valetkey.sha256(link);
    const record = await ctx.store.oneTime.find({ kind: KIND, digest });
    if (!valetkey.isUsable(record, ctx.now()))
      throw new valetkey.OAuthError('invalid_grant', 'mail_link', 'The link is not valid.');
    const subject = { clientId, sub: record.payload, authorizationId: null, sid: null };
    const login = { authTime: ctx.now(), amr: ['mail'], acr: null };
    const entitlement = { ...subject, ...login, scopes, details: {} };
    const consumption = { kind: 'one_time_record', record } as const;
    return { entitlement, scopes, nonce: null, refreshable: false, consumption };
  },
});

const port = Number(process.env['PORT'] ?? 4000);
const provider = valetkey.createProvider({
  issuer: `http://localhost:${port}`,
  store: valetkey.memoryDatabase(),
  accounts: memoryAccounts([{ sub: 'alice', username: 'alice', password: 'wonderland' }]),
  pages: builtInPages(),
  scopes: { read: 'Read your data' },
  grants: [mailLink],
});

/** Makes a link that is good once, for ten minutes. Only its digest is stored. */
async function makeLink(sub: string): Promise<string> {
  const link = crypto.randomUUID() + crypto.randomUUID();
  const expiresAt = Math.floor(Date.now() / 1000) + 600;
  const facts = { kind: KIND, digest: valetkey.sha256(link), payload: sub, expiresAt };
  await provider.store.oneTime.put(valetkey.newOneTimeRecord(facts));
  return link;
}

const grantTypes = ['urn:example:mail-link', 'client_credentials'];
const { client, clientSecret } = await provider.clients.create({ name: 'My app', grantTypes });
createServer(nodeListener(provider)).listen(port, 'localhost', async () => {
  console.log(`client_id ${client.clientId}\nclient_secret ${clientSecret}`);
  console.log(`link ${await makeLink('alice')}`);
});
