/**
 * The parameter `claims` (OIDC Core §5.5): claims that an application asks for by name, in the ID
 * token or at userinfo, and what it demands of the login with them.
 */
import { type RequestedClaims, scopeOfClaim } from '../../domain/claims.ts';
import type { Settings } from '../../domain/settings.ts';
import { defineFeature, type FeatureFactory } from '../../engine/contracts/feature.ts';
import {
  type AllowedRequest,
  type AuthorizationParameter,
  authorizationParameter,
} from '../../engine/contracts/parameter.ts';
import { contextDemand } from '../../engine/parameters.ts';
import type { LoginDemand } from '../../protocol/authorization-request.ts';
import { OAuthError } from '../../protocol/errors.ts';

/** A claim as it is asked for. */
interface Wish {
  readonly essential: boolean;
  /** Values of which it has to be one; null: any. */
  readonly values: readonly unknown[] | null;
}

type Wishes = ReadonlyMap<string, Wish>;

interface ClaimsValue {
  readonly userinfo: Wishes;
  readonly id_token: Wishes;
}

const NONE: ClaimsValue = { userinfo: new Map(), id_token: new Map() };

/** Claims of one request, at most: each costs a look at every scope. */
const MOST_CLAIMS = 100;
/** Levels of objects and lists. */
const DEEPEST = 10;

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const claims: AuthorizationParameter<ClaimsValue> = authorizationParameter<ClaimsValue>({
  names: ['claims'],
  absent: NONE,
  read(_ctx, { params }) {
    const text = params.get('claims');
    return text === undefined ? NONE : claimsIn(text);
  },
  details({ userinfo, id_token }, allowed) {
    if (userinfo.size + id_token.size === 0) return {};
    const requested: RequestedClaims = {
      userinfo: valuesOf(userinfo, allowed),
      id_token: valuesOf(id_token, allowed),
    };
    return { claims: requested };
  },
  consentScopes({ userinfo, id_token }, settings, client) {
    const scopes = [...userinfo.keys(), ...id_token.keys()].flatMap(
      (name) => scopeOfClaim(settings, client, name) ?? [],
    );
    return [...new Set(scopes)];
  },
  demand,
});

/** The claims of scopes that the user refused are not among them. */
function valuesOf(
  wishes: Wishes,
  { refusedScopes, settings, client }: AllowedRequest,
): Readonly<Record<string, unknown>> {
  const isRefused = (name: string): boolean =>
    refusedScopes.includes(scopeOfClaim(settings, client, name) ?? '');
  const kept = [...wishes].filter(([name]) => refusedScopes.length === 0 || !isRefused(name));
  return Object.fromEntries(kept.map(([name, { values }]) => [name, values]));
}

/** OIDC Core §5.5.1: a subject by name, and §5.5.1.1: an authentication context. */
function demand({ userinfo, id_token }: ClaimsValue, settings: Settings): LoginDemand | null {
  const subjects = [userinfo, id_token].flatMap((wishes) => wishes.get('sub')?.values ?? []);
  const [subject] = subjects;
  const acr = id_token.get('acr');
  const contexts = (acr?.values ?? []).filter((one) => typeof one === 'string');
  const context = contextDemand(contexts, settings, acr?.essential === true);
  if (subject === undefined) return context;
  // Nobody is two subjects at once, nor a number: the empty one, which nobody has, is asked for.
  const isOne = typeof subject === 'string' && subjects.every((other) => other === subject);
  return { ...context, subject: isOne ? subject : '' };
}

/** @throws OAuthError `invalid_request` */
function claimsIn(text: string): ClaimsValue {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = null;
  }
  if (!isRecord(value)) throw malformed('is not a JSON object');
  if (isDeeper(value, DEEPEST)) throw malformed(`is deeper than ${DEEPEST} levels`);
  // OIDC Core §5.5: other members are ignored.
  return { userinfo: wishesIn(value, 'userinfo'), id_token: wishesIn(value, 'id_token') };
}

function isDeeper(value: unknown, most: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return most === 0 || Object.values(value).some((member) => isDeeper(member, most - 1));
}

function wishesIn(value: Readonly<Record<string, unknown>>, target: string): Wishes {
  const wishes = value[target] ?? {};
  if (!isRecord(wishes)) throw malformed(`has a ${target} that is no object`);
  const all = Object.entries(wishes);
  if (all.length > MOST_CLAIMS) throw malformed(`asks for more than ${MOST_CLAIMS} claims`);
  return new Map(all.map(([name, wish]) => [name, wishIn(wish)] as const));
}

function wishIn(wish: unknown): Wish {
  // OIDC Core §5.5.1: null asks for it in the default manner.
  if (wish === null) return { essential: false, values: null };
  if (!isRecord(wish)) throw malformed('asks for a claim with something that is no object');
  const { essential = false, value, values } = wish;
  if (typeof essential !== 'boolean') throw malformed('has an essential that is no boolean');
  if (values !== undefined && !Array.isArray(values))
    throw malformed('has values that are no list');
  const wanted = [...(value === undefined ? [] : [value]), ...((values as unknown[]) ?? [])];
  return { essential, values: wanted.length === 0 ? null : wanted };
}

function malformed(problem: string): OAuthError {
  return new OAuthError('invalid_request', 'claims', `The parameter claims ${problem}.`);
}

/** The parameter `claims` (OIDC Core §5.5). */
export const claimsParameter: FeatureFactory = defineFeature({
  name: 'claims-parameter',
  description: 'The parameter claims: single claims, asked for by name (OIDC Core §5.5)',
  options: {},
  create: () => ({
    parameters: [claims],
    metadata: () => ({ claims_parameter_supported: true }),
  }),
});
