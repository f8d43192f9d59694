/**
 * What a route asks of a token: rules as hosts write them, checked once at the start, and judged
 * for each request by the facts of its token.
 */
import {
  ConfigError,
  type ConfigProblem,
  isSameResource,
  isScopeToken,
  OAuthError,
} from 'valetkey';
import type { TokenFacts } from './token-facts.ts';

/** What a route asks of a token. Without a member any good token for this API will do. */
export interface RouteRule {
  /** Scopes of which it needs all: `'photos.read'`, `'photos.read photos.print'`, or a list. */
  readonly scope?: string | readonly string[];
  /**
   * Alternatives: it needs all scopes of one of them, beside those of `scope`. `['admin',
   * 'photos.read photos.print']` is admin, or both of the others.
   */
  readonly anyScope?: readonly string[];
  /** It is for one of these, in place of the audience of the API. */
  readonly audience?: string | readonly string[];
  /** The sign-in reached one of these authentication contexts (RFC 9470). */
  readonly acr?: string | readonly string[];
  /** The sign-in was at most so many seconds ago (RFC 9470). */
  readonly maxAge?: number;
}

/** Rules by HTTP method, as `byMethod` and `readWrite` make them. */
export interface MethodRules {
  /** Rules, by method in capitals. HEAD follows GET where it has none of its own. */
  readonly methods: Readonly<Record<string, RouteRule>>;
  /** The rule of all other methods. @default they are refused */
  readonly otherwise?: RouteRule;
}

/** What a route asks of a token: the same for all methods, or by method. */
export type Rule = RouteRule | MethodRules;

/** A rule that was checked. */
export interface ReadyRule {
  /** Sets of scopes, of which one is needed. */
  readonly alternatives: readonly (readonly string[])[];
  /** Null: the audience of the API. */
  readonly audience: readonly string[] | null;
  /** Null: any. */
  readonly acr: readonly string[] | null;
  readonly maxAge: number | null;
}

/** The rule for a method; null refuses the method. */
export type RuleFor = (method: string) => ReadyRule | null;

/**
 * Rules by method, each with alternatives of scopes: `byMethod({ GET: [['read'], ['admin']], POST:
 * [['write', 'photos']] })`. A rule may stand in place of alternatives. A method that is missing is
 * refused.
 */
export function byMethod(
  methods: Readonly<Record<string, readonly (readonly string[])[] | RouteRule>>,
): MethodRules {
  const rules = Object.entries(methods).map(([method, one]) => [
    method,
    Array.isArray(one) ? { anyScope: one.map((scopes) => [scopes].flat().join(' ')) } : one,
  ]);
  return { methods: Object.fromEntries(rules) };
}

/**
 * One scope for reading (GET, HEAD, OPTIONS) and one for everything else.
 * @param also what both ask besides
 */
export function readWrite(
  { read, write }: { readonly read: string; readonly write: string },
  also: RouteRule = {},
): MethodRules {
  const withScope = (scope: string): RouteRule => ({
    ...also,
    scope: [...scopesOf(also.scope), scope],
  });
  const reading = withScope(read);
  return {
    methods: { GET: reading, HEAD: reading, OPTIONS: reading },
    otherwise: withScope(write),
  };
}

/** `photos:read` for reading (GET, HEAD, OPTIONS) and `photos:write` for everything else. */
export function scopeByMethod(name: string, also: RouteRule = {}): MethodRules {
  return readWrite({ read: `${name}:read`, write: `${name}:write` }, also);
}

const MEMBERS = ['scope', 'anyScope', 'audience', 'acr', 'maxAge'];
const METHOD = /^[A-Z][A-Z-]*$/;

/**
 * Checks a rule.
 * @throws ConfigError that lists everything wrong with it
 */
export function readyRule(rule: Rule): RuleFor {
  const problems: ConfigProblem[] = [];
  const refuse = (option: string, problem: string, remedy: string): void =>
    void problems.push({ option, problem, remedy });
  if (typeof rule !== 'object' || rule === null) {
    refuse('rule', 'must be an object.', "Write it like { scope: 'photos.read' }.");
    throw new ConfigError(problems);
  }
  const found = 'methods' in rule ? readyByMethod(rule, refuse) : readyAlways(rule, refuse);
  if (problems.length > 0) throw new ConfigError(problems);
  return found;
}

type Refuse = (option: string, problem: string, remedy: string) => void;

function readyAlways(rule: RouteRule, refuse: Refuse): RuleFor {
  const ready = readyRoute(rule, 'rule', refuse);
  return () => ready;
}

function readyByMethod({ methods, otherwise, ...rest }: MethodRules, refuse: Refuse): RuleFor {
  for (const name of Object.keys(rest))
    refuse(`rule.${name}`, 'is unknown.', 'A rule by method has methods and otherwise.');
  const ready = new Map<string, ReadyRule>();
  for (const [method, rule] of Object.entries(methods)) {
    if (!METHOD.test(method))
      refuse(`rule.methods.${method}`, 'is no method.', 'Write methods in capitals.');
    ready.set(method, readyRoute(rule, `rule.methods.${method}`, refuse));
  }
  if (ready.size === 0 && otherwise === undefined)
    refuse('rule.methods', 'names no method.', 'Name at least one.');
  const other = otherwise === undefined ? null : readyRoute(otherwise, 'rule.otherwise', refuse);
  // RFC 9110 §9.3.2: HEAD is GET without the content.
  return (method) =>
    ready.get(method) ?? (method === 'HEAD' ? ready.get('GET') : undefined) ?? other;
}

function readyRoute(rule: RouteRule, option: string, refuse: Refuse): ReadyRule {
  for (const name of Object.keys(rule))
    if (!MEMBERS.includes(name))
      refuse(`${option}.${name}`, 'is unknown.', `A rule has ${MEMBERS.join(', ')}.`);
  const { scope, anyScope, audience, acr, maxAge } = rule;
  const all = checkedScopes(scope, `${option}.scope`, refuse);
  const either = anyScope?.map((one, index) =>
    checkedScopes(one, `${option}.anyScope[${index}]`, refuse),
  );
  if (either?.length === 0)
    refuse(`${option}.anyScope`, 'is empty.', 'Name at least one alternative, or leave it out.');
  if (maxAge !== undefined && !(Number.isInteger(maxAge) && maxAge >= 0))
    refuse(`${option}.maxAge`, 'must be a number of seconds.', 'Write a whole number.');
  return {
    alternatives: (either ?? [[]]).map((one) => [...new Set([...all, ...one])]),
    audience: checkedTexts(audience, `${option}.audience`, refuse),
    // RFC 9470 §3: acr_values is a list with spaces, so a value has none.
    acr: checkedTexts(acr, `${option}.acr`, refuse, isScopeToken),
    maxAge: maxAge ?? null,
  };
}

function scopesOf(scope: RouteRule['scope']): readonly string[] {
  return scope === undefined ? [] : [scope].flat().flatMap((one) => one.split(' '));
}

function checkedScopes(
  scope: RouteRule['scope'],
  option: string,
  refuse: Refuse,
): readonly string[] {
  if (scope === undefined) return [];
  const names = [scope].flat().flatMap((one) => (typeof one === 'string' ? one.split(' ') : ['']));
  // RFC 6749 §3.3: what is no scope is in no token, and cannot stand in a challenge.
  if (names.length === 0 || !names.every(isScopeToken))
    refuse(option, 'must name scopes.', "Write it like 'photos.read', or leave it out.");
  return names;
}

function checkedTexts(
  value: string | readonly string[] | undefined,
  option: string,
  refuse: Refuse,
  isGood: (text: string) => boolean = (text) => text !== '',
): readonly string[] | null {
  if (value === undefined) return null;
  const texts = [value].flat();
  if (texts.length === 0 || !texts.every((one) => typeof one === 'string' && isGood(one)))
    refuse(option, 'must be a text or a list of texts, without spaces.', 'Or leave it out.');
  return texts;
}

/** What a token is held to beside the rule. */
export interface Held {
  /** The API: its identifier, and other names of it. */
  readonly audience: readonly string[];
  /** Whether a token may name no audience at all. */
  readonly allowMissingAudience: boolean;
  /** Now, in seconds. */
  readonly now: number;
}

/**
 * Judges a token that is good, and presented as it is bound.
 * @throws OAuthError `invalid_token`, `insufficient_scope` or `insufficient_user_authentication`
 */
export function judge(rule: ReadyRule | null, facts: TokenFacts, held: Held): void {
  requireAudience(rule, facts, held);
  if (rule === null)
    throw insufficientScope('method_without_rule', 'The access token does not allow this method.');
  const { alternatives, acr, maxAge } = rule;
  const { scopes, authTime } = facts;
  // RFC 6750 §3.1: the request requires higher privileges than the token has.
  if (!alternatives.some((needed) => needed.every((scope) => scopes.includes(scope))))
    throw insufficientScope('scope_missing', 'The access token lacks a scope.');
  // RFC 9470 §3: the sign-in behind the token does not suffice.
  if (acr !== null && (facts.acr === null || !acr.includes(facts.acr)))
    throw anotherSignIn('acr_missing', 'A different authentication level is required.');
  if (maxAge !== null && (authTime === null || held.now - authTime > maxAge))
    throw anotherSignIn('sign_in_too_old', 'A more recent sign-in is required.');
}

function requireAudience(rule: ReadyRule | null, { audience }: TokenFacts, held: Held): void {
  const accepted = rule?.audience ?? held.audience;
  const mayMiss = held.allowMissingAudience && (rule?.audience ?? null) === null;
  if (audience.length === 0 && mayMiss) return;
  // RFC 9068 §4, RFC 8707 §2: a token for another API is worth nothing here.
  if (audience.some((one) => accepted.some((mine) => isSameResource(mine, one)))) return;
  throw new OAuthError('invalid_token', 'token_audience', 'The access token is invalid.', {
    hint: {
      expected: `a token for ${accepted.join(' or ')}`,
      received: audience.length === 0 ? 'one that names no API' : `one for ${audience.join(', ')}`,
      remedy: 'the client asks for it with the parameter resource (RFC 8707)',
    },
  });
}

function insufficientScope(
  reason: 'scope_missing' | 'method_without_rule',
  description: string,
): OAuthError {
  return new OAuthError('insufficient_scope', reason, description);
}

function anotherSignIn(reason: 'acr_missing' | 'sign_in_too_old', description: string): OAuthError {
  const status = 401;
  return new OAuthError('insufficient_user_authentication', reason, description, { status });
}
