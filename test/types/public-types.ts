/**
 * What the compiler promises to those who embed the provider. `npm run typecheck` is the test: each
 * `expectTypeOf` must hold, and each line under `@ts-expect-error` must be an error. Nothing here
 * runs.
 */
import type { Express } from 'express';
import { Hono } from 'hono';
import {
  type AuditEvent,
  authorizationParameter,
  type Client,
  type Config,
  clientField,
  createProvider,
  type Database,
  defineEvent,
  defineFeature,
  defineGrant,
  definePage,
  defineStep,
  deviceAuthorization,
  type Events,
  type Feature,
  type Issue,
  isEvent,
  memoryDatabase,
  OAuthError,
  type Provider,
  type ProviderEvent,
  type StepView,
  type Store,
  type StoredConsumption,
  tokensIssued,
} from 'valetkey';
import { passwordAccounts } from 'valetkey/accounts';
import { expressValetkey } from 'valetkey/express';
import { builtInPages } from 'valetkey/pages';
import { createResource, type TokenFacts } from 'valetkey/resource';
import { authOf, expressProtect } from 'valetkey/resource/express';
import { honoProtect } from 'valetkey/resource/hono';
import { sqlDatabase } from 'valetkey/sql';
import { memoryAccounts } from 'valetkey/testing';
import { expectTypeOf } from 'vitest';

declare const app: Express;
declare const client: Client;
const parts = { store: memoryDatabase(), accounts: memoryAccounts([]), pages: builtInPages() };
const issuer = 'https://id.example';

// The configuration: four members are required, and a misspelt one is an error.
const provider: Provider = createProvider({ issuer, ...parts });
// @ts-expect-error without an issuer
createProvider(parts);
// @ts-expect-error a misspelt option
createProvider({ issuer, ...parts, lifetime: {} });
// @ts-expect-error a misspelt lifetime
createProvider({ issuer, ...parts, lifetimes: { accesstoken: 60 } });
// @ts-expect-error seconds are numbers
createProvider({ issuer, ...parts, lifetimes: { code: '60' } });
expectTypeOf<Config['store']>().toEqualTypeOf<Database>();

// The provider is a function from Request to Response, and mounts without a cast.
expectTypeOf(provider.fetch).parameter(0).toEqualTypeOf<Request>();
expectTypeOf(provider.fetch).returns.resolves.toEqualTypeOf<Response>();
app.use(expressValetkey(provider));
expectTypeOf(provider.store).toEqualTypeOf<Store>();
// @ts-expect-error what is stored is changed through the rules only
provider.weakened.push('x');

// A database for SQL is one, and serves the accounts as well.
const sql = sqlDatabase({ url: 'sqlite::memory:' });
expectTypeOf(sql).toExtend<Database>();
expectTypeOf(passwordAccounts({ sql, issuer })).toExtend<Config['accounts']>();

// What is used once is one of three kinds, told apart by `kind`.
expectTypeOf<StoredConsumption['kind']>().toEqualTypeOf<
  'code' | 'refresh_token' | 'one_time_record'
>();
expectTypeOf<Issue['consumption']>().toEqualTypeOf<StoredConsumption | null>();

// Options of a feature have names and types, and `enabled` always.
expectTypeOf(deviceAuthorization({ interval: 10, enabled: true })).toEqualTypeOf<Feature>();
// @ts-expect-error an option that the feature does not have
deviceAuthorization({ intervall: 10 });
const tuned = defineFeature<{ readonly depth: number }>({
  name: 'tuned',
  description: 'A feature with an option',
  options: { depth: { kind: 'count', description: 'Depth', default: 3 } },
  create(options) {
    expectTypeOf(options.depth).toEqualTypeOf<number>();
    return {};
  },
});
expectTypeOf(tuned).parameter(0).toExtend<{ depth?: number; enabled?: boolean } | undefined>();
defineFeature<{ readonly depth: number }>({
  name: 'incomplete',
  description: 'An option without an entry',
  // @ts-expect-error every option has an entry
  options: {},
  create: () => ({}),
});

// Events are told apart by their type, and tell what their definitions say.
const carTaken = defineEvent({
  name: 'car.taken',
  description: 'Somebody took a car.',
  sub: 'always',
  client: 'sometimes',
  detail: {
    car: { kind: 'text', choices: ['red', 'blue'], description: 'which one' },
    miles: { kind: 'number', nullable: true, description: 'how far it may go' },
  },
});
createProvider({
  issuer,
  ...parts,
  onEvent(event) {
    expectTypeOf(event).toExtend<AuditEvent>();
    if (event.type === 'tokens.issued') {
      expectTypeOf(event.detail.grant_type).toEqualTypeOf<string>();
      expectTypeOf(event.detail.scope).toEqualTypeOf<string | null>();
      expectTypeOf(event.clientId).toEqualTypeOf<string>();
      expectTypeOf(event.sub).toEqualTypeOf<string | null>();
      // @ts-expect-error it tells no such thing
      event.detail.audience;
    } else if (event.type === 'code.replayed') {
      expectTypeOf(event.sub).toEqualTypeOf<string>();
    } else if (isEvent(event, carTaken)) {
      expectTypeOf(event.detail.car).toEqualTypeOf<'red' | 'blue'>();
      expectTypeOf(event.detail.miles).toEqualTypeOf<number | null>();
      expectTypeOf(event.sub).toEqualTypeOf<string>();
    }
    // @ts-expect-error no event has this name: a misspelt one is found
    if (event.type === 'token.issued') return;
  },
});
createProvider({ issuer, ...parts, onEvent: (event: AuditEvent) => void event.detail });
expectTypeOf<ProviderEvent>().toExtend<AuditEvent>();
declare const events: Events;
events.record(tokensIssued, { clientId: 'x', detail: { grant_type: 'x', scope: null } });
events.notify(carTaken, { sub: 'x', detail: { car: 'red', miles: 3 } });
// @ts-expect-error its client is always told
events.record(tokensIssued, { detail: { grant_type: 'x', scope: null } });
// @ts-expect-error every member of its detail is told
events.record(tokensIssued, { clientId: 'x', detail: { grant_type: 'x' } });
// @ts-expect-error there is no such car
events.record(carTaken, { sub: 'x', detail: { car: 'green', miles: 3 } });
// @ts-expect-error it has no reason
events.record(carTaken, { sub: 'x', reason: 'x', detail: { car: 'red', miles: 3 } });

// A field of clients is read with its own type.
const mayInvite = clientField<boolean>({
  wireName: 'may_invite',
  flag: 'may-invite',
  kind: 'flag',
  default: false,
  setBy: 'operator',
  description: 'may make invitations',
});
expectTypeOf(mayInvite(client)).toEqualTypeOf<boolean>();

// What a parameter reads is what rules find in the request.
const audience = authorizationParameter({
  names: ['audience'],
  absent: [] as readonly string[],
  read: (_ctx, { params }) => params.get('audience')?.split(' ') ?? [],
});
expectTypeOf(audience).returns.toEqualTypeOf<readonly string[]>();

// What a grant reads is what it redeems. It returns a proof, and cannot return tokens.
defineGrant({
  type: 'urn:example:ticket',
  params: (params) => ({ ticket: params.need('ticket'), times: 2 }),
  async redeem(_ctx, _client, params) {
    expectTypeOf(params).toEqualTypeOf<{ ticket: string; times: number }>();
    throw new OAuthError('invalid_grant', 'ticket', 'The ticket is not valid.');
  },
});
defineGrant({
  type: 'urn:example:wrong',
  params: () => ({}),
  // @ts-expect-error tokens are issued by the engine alone
  redeem: async () => ({ access_token: 'x' }),
});

// A step shows what its page declares.
interface GreetingView extends StepView {
  readonly greeting: string;
}
const greeting = {
  name: 'greeting',
  silentError: 'interaction_required',
  page: definePage<GreetingView>('greeting'),
  due: () => null,
  answer: async () => ({ outcome: 'answered', state: true }) as const,
} as const;
defineStep<GreetingView>({ ...greeting, view: () => ({ greeting: 'hello' }) });
// @ts-expect-error its page needs a greeting
defineStep<GreetingView>({ ...greeting, view: () => ({}) });

// A client is told what a refusal was by code, reason and sentence.
// @ts-expect-error a refusal without a reason
new OAuthError('invalid_grant');

// An API: a response or the facts of a token, and typed handlers in each framework.
declare const request: Request;
const api = createResource({ resource: issuer, tokens: { find: async () => null } });
const { auth, response } = await api.check(request, { scope: 'read' });
if (response === undefined) expectTypeOf(auth).toEqualTypeOf<TokenFacts>();
else expectTypeOf(response).toEqualTypeOf<Response>();
api.protect({}, (_request, token) => new Response(token.sub));
// @ts-expect-error who is signed in may have no token
api.protect({}, (_request, token) => new Response(token.sub), { signedIn: () => true });
// @ts-expect-error a misspelt member of a rule
api.protect({ scopes: 'read' }, () => new Response());
app.get('/', expressProtect(api)({ scope: 'read' }), (asked, answer) => {
  answer.json(authOf(asked).scopes);
});
new Hono().get('/', honoProtect(api)({ scope: 'read' }), (context) => {
  expectTypeOf(context.get('auth')).toEqualTypeOf<TokenFacts>();
  return context.text('');
});
