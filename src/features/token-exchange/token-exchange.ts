/**
 * Token exchange (RFC 8693): a client that holds an access token of this provider gets another one
 * for the same person, to call an API further on. Scopes and APIs only become fewer, unless the
 * policy of the host says which more.
 */
import { isAccessTokenText, originIn, withOrigin } from '../../domain/access-tokens.ts';
import {
  detailsOfResources,
  requireGrantedResources,
  requireResources,
} from '../../domain/resources.ts';
import { defineFeature, type FeatureFactory } from '../../engine/contracts/feature.ts';
import { defineGrant, type Grant } from '../../engine/contracts/grant.ts';
import { checkFunction } from '../../engine/contracts/options.ts';
import type { TokenParameter } from '../../engine/contracts/token-parameter.ts';
import { OAuthError } from '../../protocol/errors.ts';
import type { Params } from '../../protocol/params.ts';
import { nameForLog } from '../../protocol/remedies.ts';
import { covers, parseScope } from '../../protocol/scope.ts';
import type { Client, Details } from '../../store/records.ts';
import type { RequestContext } from '../../web/request.ts';
import {
  type ActingParty,
  type ExchangedToken,
  findExchanged,
  isAllowedBy,
  type MayAct,
  partyOf,
  refusedExchange,
  toldParty,
} from './exchanged-token.ts';

/** What a client asks for. */
export interface ExchangeRequest {
  /** The client that asks, proven. */
  readonly client: Client;
  /** The token of the person on whose behalf it asks. */
  readonly subject: ExchangedToken;
  /** The token of who acts for them (delegation); null: the client asks for itself. */
  readonly actor: ExchangedToken | null;
  /** Scopes that the new token would have, all of which the subject token has. */
  readonly scopes: readonly string[];
  /** APIs that the request names (`resource`, `audience`). */
  readonly resources: readonly string[];
}

/** What a policy allows. */
export interface ExchangeDecision {
  /** Says that the exchange is allowed. */
  readonly allow: true;
  /** Scopes of the new token, of those that were asked for. @default all of them */
  readonly scopes?: readonly string[];
  /**
   * APIs that the new token may be for, at least one; `undefined` where the policy has no say.
   * @default those of the subject token
   */
  readonly resources?: readonly string[] | undefined;
  /** Whole seconds that it lives at most. @default as client and APIs are registered */
  readonly lifetime?: number;
  /**
   * Whether it has the authorization details of the subject token (RFC 9396), of types that the
   * client may have.
   * @default false
   */
  readonly keepsDetails?: boolean;
  /**
   * Whether a subject token that is bound to a key is exchanged, though nobody proves that key
   * here.
   * @default false
   */
  readonly allowBoundSubject?: boolean;
  /**
   * Whether it ends with the subject token: at its time, and when that is revoked or its person
   * signs out. Else it has a life of its own, but for the end of the consent and of the person.
   * @default true
   */
  readonly endsWithSubject?: boolean;
  /**
   * Whether the client stands as the actor in the new token (`act`) where the request has no actor
   * token. Else the token is as the person's own (impersonation).
   * @default false
   */
  readonly actsAsClient?: boolean;
}

/** Decides about an exchange; null or false refuses it. */
export type ExchangePolicy = (
  request: ExchangeRequest,
) => ExchangeDecision | null | false | Promise<ExchangeDecision | null | false>;

/** Options of token exchange. */
export interface TokenExchangeOptions {
  /** Decides about each exchange; null: the grant is not offered. @default null */
  readonly policy: ExchangePolicy | null;
  /**
   * Who may act for the subject of a new access token: goes into it as `may_act` (RFC 8693 §4.4),
   * and is held against the actor of an exchange.
   * @default nobody is named, so that the policy alone decides
   */
  readonly mayAct: MayAct | null;
}

const TYPE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
/** RFC 8693 §3: a JWT access token may be called by either name. */
const JWT = 'urn:ietf:params:oauth:token-type:jwt';
/** Exchanges of which one begins with the token of the other. */
const LONGEST_CHAIN = 5;

interface ExchangeParams {
  readonly subjectToken: string;
  readonly actorToken: string | null;
  readonly scopes: readonly string[] | null;
  readonly resources: readonly string[];
  /** `audience`, where it stands alone. */
  readonly audiences: readonly string[];
}

function readParams(params: Params): ExchangeParams {
  const subjectToken = params.need('subject_token');
  requireAccessToken(params.need('subject_token_type'));
  const actorToken = params.get('actor_token') ?? null;
  const actorType = params.get('actor_token_type');
  // RFC 8693 §2.1: actor_token_type is required with actor_token, and must not be there without.
  if ((actorToken === null) !== (actorType === undefined))
    throw refusedExchange('actor_token_type', 'actor_token and actor_token_type belong together.');
  if (actorType !== undefined) requireAccessToken(actorType);
  const wanted = params.get('requested_token_type') ?? ACCESS_TOKEN;
  if (wanted !== ACCESS_TOKEN)
    throw refusedExchange('requested_token_type', 'Only access tokens are issued here.', {
      expected: ACCESS_TOKEN,
      received: nameForLog(wanted),
    });
  const [resources, audiences] = [params.all('resource'), params.all('audience')];
  if (resources.length > 0 && audiences.length > 0)
    throw refusedExchange('audience_and_resource', 'Name APIs by resource or by audience alone.');
  const scope = params.get('scope');
  return {
    subjectToken,
    actorToken,
    scopes: scope === undefined ? null : parseScope(scope),
    resources,
    audiences,
  };
}

function requireAccessToken(type: string): void {
  if (type === ACCESS_TOKEN || type === JWT) return;
  throw refusedExchange('token_type', 'Only access tokens of this provider are exchanged.', {
    expected: `${ACCESS_TOKEN} or ${JWT}`,
    received: nameForLog(type),
  });
}

function grantOf(policy: ExchangePolicy, mayAct: MayAct | null): Grant {
  return defineGrant<ExchangeParams>({
    type: TYPE,
    // RFC 8693 §2.1: client authentication lets the policy say who may exchange what.
    confidentialOnly: true,
    params: readParams,

    async redeem(ctx, client, params) {
      const subject = await requireLive(ctx, params.subjectToken, 'subject_token');
      if (subject.sub === null)
        throw refusedExchange('subject_token_client', 'The subject_token is about nobody.');
      const actor =
        params.actorToken === null
          ? null
          : await requireLive(ctx, params.actorToken, 'actor_token');
      const asked = scopesOf(subject, params.scopes);
      const names = [...params.resources, ...params.audiences];
      const named = await requireResources(ctx.resources, names);
      const request = { client, subject, actor, scopes: asked, resources: named };
      const decision = (await policy(request)) || null;
      if (decision === null)
        throw refusedExchange('exchange_denied', 'The exchange is not allowed.', {
          expected: 'what tokenExchange.policy allows',
          received: `${nameForLog(subject.client.clientId)} to ${nameForLog(client.clientId)}`,
        });
      const isActing = actor !== null || decision.actsAsClient === true;
      checkDecision(subject, decision);
      const party = partyOf(actor, client);
      if (!isAllowedBy(ctx.settings.issuer, await namedActor(subject, mayAct), party))
        throw refusedExchange('may_act', 'The subject_token names another actor.');
      const scopes = asked.filter((scope) => decision.scopes?.includes(scope) ?? true);
      const { token, login } = subject;
      const { clientId } = client;
      return {
        entitlement: {
          clientId,
          sub: subject.sub,
          authorizationId: token.authorizationId,
          sid: token.sid,
          scopes,
          authTime: login?.authTime ?? null,
          amr: login?.amr ?? [],
          acr: login?.acr ?? null,
          details: {
            ...detailsOf(subject, isActing ? party : null, decision),
            ...resourceDetails(named, subject, decision),
          },
        },
        scopes,
        nonce: null,
        // RFC 8693 §2.2.1: a refresh token would outlive what the exchange was for.
        refreshable: false,
        consumption: null,
        idToken: false,
        ...(decision.lifetime === undefined ? {} : { lifetime: decision.lifetime }),
        ...joined(subject, decision),
        told: { issued_token_type: ACCESS_TOKEN },
      };
    },
  });
}

async function requireLive(
  ctx: RequestContext,
  text: string,
  what: 'subject_token' | 'actor_token',
): Promise<ExchangedToken> {
  const found = await findExchanged(ctx, text);
  // RFC 8693 §2.2.2: an invalid token is invalid_request here.
  if (found !== null) return found;
  const isToken = isAccessTokenText(text);
  throw refusedExchange(what, `The ${what} is not valid.`, {
    expected: 'a live access token of this provider',
    received: isToken ? 'one that has ended, or of another provider' : 'no access token',
  });
}

/** The scopes that are asked for: never more than the subject token has. */
function scopesOf({ scopes }: ExchangedToken, asked: readonly string[] | null): readonly string[] {
  // What lets a client act while the person is away is not handed on.
  const own = scopes.filter((scope) => scope !== 'offline_access');
  if (asked === null) return own;
  if (covers(own, asked)) return asked;
  throw new OAuthError(
    'invalid_scope',
    'scope_grew',
    'The scope is wider than the one of the subject_token.',
    { hint: { expected: own.join(' ') || 'no scope', received: asked.map(nameForLog).join(' ') } },
  );
}

/** @throws OAuthError for a subject token that is not exchanged so */
function checkDecision(subject: ExchangedToken, decision: ExchangeDecision): void {
  const { lifetime = 1, allowBoundSubject = false } = decision;
  if (!Number.isSafeInteger(lifetime) || lifetime < 1)
    throw new Error('The policy answered with a lifetime that is no whole number of seconds.');
  if (subject.isBound && !allowBoundSubject)
    throw refusedExchange('subject_token_bound', 'The subject_token is bound to a key.', {
      expected: 'a bearer token',
      received: 'one that is bound',
      remedy: 'if that is right: allowBoundSubject in the decision of tokenExchange.policy',
    });
  // Each exchange makes the chain longer that tokens tell, and that a look-up follows.
  if ((originIn(subject.token.details)?.depth ?? 0) >= LONGEST_CHAIN)
    throw refusedExchange('exchange_depth', 'The subject_token was exchanged too often.');
}

/** Who may act for the subject: as its token says, else as the host says now. */
async function namedActor(
  { token, client, sub }: ExchangedToken,
  mayAct: MayAct | null,
): Promise<unknown> {
  const named = token.details['may_act'] ?? null;
  if (named !== null || mayAct === null || sub === null) return named;
  // Tokens of authorization responses, and those of before, do not say it.
  return await mayAct({ client, sub, scopes: token.scopes });
}

/**
 * What the new token takes over from the other one, and who acts. Claims that were asked for by
 * name were for the other client.
 */
function detailsOf(
  { token }: ExchangedToken,
  actor: ActingParty | null,
  { keepsDetails = false, endsWithSubject = true }: ExchangeDecision,
): Details {
  const { act, authorization_details: granted } = token.details;
  const acting = actor === null ? act : chained(actor, act);
  const depth = (originIn(token.details)?.depth ?? 0) + 1;
  return withOrigin(
    {
      ...(acting === undefined ? {} : { act: acting }),
      ...(keepsDetails && granted !== undefined ? { authorization_details: granted } : {}),
    },
    endsWithSubject ? { digest: token.digest, depth } : null,
  );
}

/**
 * The APIs of the new token: those that the request names, of those that are allowed.
 * @throws OAuthError `invalid_target`
 */
function resourceDetails(
  named: readonly string[],
  subject: ExchangedToken,
  decision: ExchangeDecision,
): Details {
  // A policy that leaves no API allows none; a subject token without APIs is restricted to none.
  const isOpen = decision.resources === undefined && subject.resources.length === 0;
  if (isOpen) return detailsOfResources(named);
  const allowed = decision.resources ?? subject.resources;
  requireGrantedResources(allowed, named);
  return detailsOfResources(named.length === 0 ? allowed : named);
}

/** RFC 8693 §4.1: who acts now stands outside, who acted before inside. */
function chained(actor: ActingParty, before: unknown): Readonly<Record<string, unknown>> {
  return { ...actor, ...(before === undefined ? {} : { act: before }) };
}

function joined(
  { token }: ExchangedToken,
  { endsWithSubject = true }: ExchangeDecision,
): { readonly joins?: { readonly id: string; readonly expiresAt: number } } {
  const { familyId: id, expiresAt } = token;
  return endsWithSubject && id !== null ? { joins: { id, expiresAt } } : {};
}

/** `act` and `may_act` of tokens (RFC 8693 §4.1, §4.4). */
function tokenParameter(mayAct: MayAct | null): TokenParameter {
  return {
    name: 'act',
    async details(_ctx, { client, entitlement }) {
      if (mayAct === null || entitlement === null) return {};
      const party = await mayAct({ client, sub: entitlement.sub, scopes: entitlement.scopes });
      return party === null ? {} : { may_act: party };
    },
    claims({ act, may_act: named }, subjectOf) {
      return {
        ...(act === undefined ? {} : { act: toldParty(act as ActingParty, subjectOf) }),
        ...(named == null ? {} : { may_act: toldParty(named as ActingParty, subjectOf) }),
      };
    },
  };
}

/** Token exchange (RFC 8693). */
export const tokenExchange: FeatureFactory<TokenExchangeOptions> =
  defineFeature<TokenExchangeOptions>({
    name: 'token-exchange',
    description: 'Token exchange (RFC 8693); it needs a policy, which is given in code',
    options: {
      policy: {
        kind: 'code',
        description: 'Decides about each exchange',
        default: null,
        nullable: true,
        check: checkFunction,
      },
      mayAct: {
        kind: 'code',
        description: 'Who may act for the subject of an access token',
        default: null,
        nullable: true,
        check: checkFunction,
      },
    },
    create: ({ policy, mayAct }) =>
      policy === null
        ? {}
        : { grants: [grantOf(policy, mayAct)], tokenParameters: [tokenParameter(mayAct)] },
  });
