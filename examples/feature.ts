/**
 * A feature of your own: an endpoint that makes invitations, a grant that redeems each of them
 * once, a step before consent, an option, and a field of clients. `feature-server.ts` runs it.
 */
import * as vk from 'valetkey';
import { form, markup, primaryButton, type Sheet } from 'valetkey/pages';

/** Options: one entry each serves checks, settings file, environment and documentation. */
interface InvitationOptions {
  /** Seconds that an invitation is good for. @default 600 */
  readonly lifetime: number;
}

const mayInvite = vk.clientField<boolean>({
  wireName: 'may_invite',
  flag: 'may-invite',
  kind: 'flag',
  default: false,
  setBy: 'operator',
  description: 'may make invitations',
});

/** What the audit log and `onEvent` hear. A listener tells it by `isEvent(event, invited)`. */
export const invited = vk.defineEvent({
  name: 'invitation.made',
  description: 'An application made an invitation.',
  client: 'always',
  detail: { expires_at: { kind: 'number', description: 'when it ends, in seconds' } },
});

/**
 * POST /o/invitations/: the client proves itself, and gets an invitation that is good for one use.
 */
const endpoint = (lifetime: number): vk.Endpoint =>
  vk.clientEndpoint({
    name: 'invitations',
    path: 'invitations/',
    metadataName: 'invitation_endpoint',
    publicClients: false,
    async handle(ctx, { client }) {
      if (!mayInvite(client))
        throw new vk.OAuthError('access_denied', 'may_not_invite', 'You may not invite.');
      const invitation = vk.newHandle('vkiv_', ctx.settings.random);
      const expiresAt = ctx.now() + lifetime;
      const facts = { kind: 'invitation', digest: vk.sha256(invitation), expiresAt };
      await ctx.store.oneTime.put(vk.newOneTimeRecord(facts));
      const { clientId } = client;
      ctx.events.record(invited, { clientId, detail: { expires_at: expiresAt } });
      return vk.json(200, { invitation, expires_in: lifetime });
    },
  });

/**
 * Any client that is registered for it redeems an invitation: of many requests at once, one gets a
 * token.
 */
const grant = vk.defineGrant({
  type: 'urn:example:invitation',
  params: (params) => ({ invitation: params.need('invitation') }),
  async redeem(ctx, _client, { invitation }) {
    const digest = vk.sha256(invitation);
    const record = await ctx.store.oneTime.find({ kind: 'invitation', digest });
    if (!vk.isUsable(record, ctx.now()))
      throw new vk.OAuthError('invalid_grant', 'invitation', 'The invitation is not valid.');
    const consumption = { kind: 'one_time_record', record } as const;
    return { entitlement: null, scopes: ['read'], nonce: null, refreshable: false, consumption };
  },
});

/** Before they allow anything, people see the rules of the house. */
const rules = vk.defineStep({
  name: 'house-rules',
  before: 'consent',
  silentError: 'interaction_required',
  page: vk.definePage('houseRules'),
  due: ({ interaction }) =>
    interaction.answers['house-rules'] === true ? null : { because: 'not_seen' },
  view: () => ({}),
  async answer(_ctx, { decision }) {
    if (decision === 'agree') return { outcome: 'answered', state: true };
    throw vk.unknownDecision();
  },
});

/** The page of the step, made of the parts of the built-in ones. */
export const houseRules = (view: vk.StepView): Sheet => ({
  title: 'House rules',
  content: markup`<h1>House rules</h1><p>Leave the glove box alone.</p>
${form('house-rules-form', view.form, primaryButton('house-rules-agree', 'agree', 'Agree'))}`,
});

/**
 * `features: [invitations({ lifetime: 60 })]`; in `valetkey.config.mjs`: `features: [invitations]`,
 * with the page of its step in `templates: { houseRules }`.
 */
export const invitations: vk.FeatureFactory<InvitationOptions> = vk.defineFeature({
  name: 'invitations',
  description: 'Invitations that are good for one use',
  options: {
    lifetime: { kind: 'seconds', description: 'Lifetime of an invitation', default: 600 },
  },
  create: ({ lifetime }: InvitationOptions) => ({
    endpoints: [endpoint(lifetime)],
    grants: [grant],
    steps: [rules],
    clientFields: [mayInvite],
    events: [invited],
  }),
});
