/**
 * Token exchange (RFC 8693): a client that holds an access token of this provider gets another one
 * for the same person, to call an API further on. Scopes and APIs only become fewer, unless the
 * policy of the host says which more.
 */
import { detailsOfResources, requireResource } from '../../domain/resources.ts';
import { defineFeature, type FeatureFactory } from '../../engine/contracts/feature.ts';
import { defineGrant, type Grant } from '../../engine/contracts/grant.ts';
import { checkFunction } from '../../engine/contracts/options.ts';
import type { TokenParameter } from '../../engine/contracts/token-parameter.ts';
import { isPublic } from '../../protocol/client-metadata-rules.ts';
import { OAuthError } from '../../protocol/errors.ts';
import type { Params } from '../../protocol/params.ts';
import { isSameResource } from '../../protocol/resource-identifier.ts';
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
  /** APIs that the new token may be for. @default those of the subject token */
  readonly resources?: readonly string[];
  /** Seconds that it lives at most. @default as client and APIs are registered */
  readonly lifetime?: number;
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
    throw refusedExchange('requested_token_type', 'Only access tokens are issued here.');
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
  throw refusedExchange('token_type', 'Only access tokens of this provider are exchanged.');
}

function grantOf(policy: ExchangePolicy): Grant {
  return defineGrant<ExchangeParams>({
    type: TYPE,
    params: readParams,

    async redeem(ctx, client, params) {
      // RFC 8693 §2.1: client authentication lets the policy say who may exchange what.
      if (isPublic(client))
        throw new OAuthError(
          'unauthorized_client',
          'client_not_confidential',
          'A client that proves nothing may not use this grant_type.',
        );
      const subject = await requireLive(ctx, params.subjectToken, 'subject_token');
      if (subject.sub === null)
        throw refusedExchange('subject_token_client', 'The subject_token is about nobody.');
      const actor =
        params.actorToken === null
          ? null
          : await requireLive(ctx, params.actorToken, 'actor_token');
      const asked = scopesOf(subject, params.scopes);
      const named = [...params.resources, ...params.audiences];
      const request = { client, subject, actor, scopes: asked, resources: named };
      const decision = (await policy(request)) || null;
      if (decision === null)
        throw refusedExchange('exchange_denied', 'The exchange is not allowed.');
      const isActing = actor !== null || decision.actsAsClient === true;
      const party = partyOf(actor, client);
      if (!isAllowedBy(ctx.settings.issuer, subject.token.details, party))
        throw refusedExchange('may_act', 'The subject_token names another actor.');
      const scopes = asked.filter((scope) => decision.scopes?.includes(scope) ?? true);
      const { token, login } = subject;
      const { resources = subject.resources } = decision;
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
            ...detailsOf(subject, isActing ? party : null),
            ...(await resourceDetails(ctx, params.audiences, resources)),
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
  if (found === null) throw refusedExchange(what, `The ${what} is not valid.`);
  return found;
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
  );
}

/** What the new token takes over from the other one, and who acts. */
function detailsOf({ token }: ExchangedToken, actor: ActingParty | null): Details {
  const { cnf: _bound, may_act: _mayAct, resource: _resource, act, ...rest } = token.details;
  if (actor !== null) return { ...rest, act: chained(actor, act) };
  return act === undefined ? rest : { ...rest, act };
}

/**
 * The APIs that the new token may be for, of which `resource` names some; those of `audience`.
 * @throws OAuthError `invalid_target`
 */
async function resourceDetails(
  ctx: RequestContext,
  audiences: readonly string[],
  allowed: readonly string[],
): Promise<Details> {
  if (audiences.length === 0) return detailsOfResources(allowed);
  const found: string[] = [];
  for (const one of audiences) found.push((await requireResource(ctx.resources, one)).resource);
  const isAllowed = (one: string): boolean =>
    allowed.length === 0 || allowed.some((other) => isSameResource(other, one));
  if (found.every(isAllowed)) return detailsOfResources(found);
  throw new OAuthError(
    'invalid_target',
    'resource_not_granted',
    'The grant is for another resource.',
  );
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
    claims({ act, may_act: named }) {
      return {
        ...(act === undefined ? {} : { act }),
        ...(named == null ? {} : { may_act: named }),
      };
    },
  };
}

/** Token exchange (RFC 8693). */
export const tokenExchange: FeatureFactory<TokenExchangeOptions> =
  defineFeature<TokenExchangeOptions>({
    name: 'token-exchange',
    description: 'Token exchange (RFC 8693), as a policy of the host allows it',
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
        : { grants: [grantOf(policy)], tokenParameters: [tokenParameter(mayAct)] },
  });
