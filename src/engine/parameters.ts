/**
 * The authorization parameters of the core, in the order in which they are read. What decides where
 * an answer goes (client, redirect URI, response type and mode, state) and the scope come before
 * them, in `authorization-request.ts`; those of features come after them.
 */
import { JwtError } from '../crypto/jwt.ts';
import { verifyHint } from '../domain/id-tokens.ts';
import type { Settings } from '../domain/settings.ts';
import type { LoginDemand } from '../protocol/authorization-request.ts';
import { OAuthError } from '../protocol/errors.ts';
import { localesOf } from '../web/parameter-places.ts';
import { type AuthorizationParameter, authorizationParameter } from './contracts/parameter.ts';

/** Characters of a `state` or `nonce`. */
export const LONGEST_STATE = 2048;

/** Characters of a `login_hint` that are kept: as many as a username has. */
const LONGEST_HINT = 255;

/** `prompt`: which pages the client wants shown, or `none` (OIDC Core §3.1.2.1). */
export const prompts: AuthorizationParameter<readonly string[]> = authorizationParameter<
  readonly string[]
>({
  names: ['prompt'],
  absent: [],
  read(_ctx, { params, promptValues }) {
    const asked = (params.get('prompt') ?? '').split(' ').filter((prompt) => prompt !== '');
    if (!asked.every((prompt) => promptValues.includes(prompt)))
      throw new OAuthError('invalid_request', 'prompt', 'The prompt is not supported.');
    // OIDC Core §3.1.2.1: none stands alone.
    if (asked.includes('none') && asked.length > 1) {
      throw new OAuthError(
        'invalid_request',
        'prompt_none_combined',
        'The prompt none cannot be combined.',
      );
    }
    return asked;
  },
});

/**
 * `approval_prompt` of Django OAuth Toolkit: `force` asks people again, as `prompt=consent` does;
 * `auto`, and anything else, asks where it is needed.
 */
export const approvalPrompt: AuthorizationParameter<boolean> = authorizationParameter<boolean>({
  names: ['approval_prompt'],
  absent: false,
  read: (_ctx, { params }) => params.get('approval_prompt') === 'force',
});

/** `nonce`: goes into the ID token unchanged (OIDC Core §3.1.2.1); null without one. */
export const nonce: AuthorizationParameter<string | null> = authorizationParameter<string | null>({
  names: ['nonce'],
  absent: null,
  read(_ctx, { params }) {
    const value = params.get('nonce') ?? null;
    if (value !== null && value.length > LONGEST_STATE)
      throw new OAuthError('invalid_request', 'state_too_long', 'The state or nonce is too long.');
    return value;
  },
});

/** `max_age`: seconds since the user last proved who they are (OIDC Core §3.1.2.1); null: any. */
export const maxAge: AuthorizationParameter<number | null> = authorizationParameter<number | null>({
  names: ['max_age'],
  absent: null,
  read(_ctx, { params, client }) {
    const text = params.get('max_age');
    // OIDC Registration §2: default_max_age holds where the request has no max_age.
    if (text === undefined) return client.defaultMaxAge;
    // OIDC Core §3.1.2.1: max_age is a number of seconds.
    if (!/^[0-9]{1,10}$/.test(text))
      throw new OAuthError('invalid_request', 'max_age', 'The max_age is not a number of seconds.');
    return Number(text);
  },
});

/** `login_hint`: what to put into the username field (OIDC Core §3.1.2.1); null without one. */
export const loginHint: AuthorizationParameter<string | null> = authorizationParameter<
  string | null
>({
  names: ['login_hint'],
  absent: null,
  read: (_ctx, { params }) => beginningOf(params.get('login_hint') ?? null),
});

/** The beginning of a text, without half a character at its end. */
function beginningOf(text: string | null): string | null {
  return text === null ? null : text.slice(0, LONGEST_HINT).replace(/[\ud800-\udbff]$/, '');
}

/** `id_token_hint`: the subject that the client expects (OIDC Core §3.1.2.1); null: any. */
export const hintedSub: AuthorizationParameter<string | null> = authorizationParameter<
  string | null
>({
  names: ['id_token_hint'],
  absent: null,
  async read(ctx, { params, client }) {
    const jwt = params.get('id_token_hint');
    if (jwt === undefined) return null;
    try {
      const hint = await verifyHint(ctx, jwt);
      // OIDC Core §3.1.2.1: the hint is an ID token issued to this client.
      if (hint.client.clientId === client.clientId) return hint.sub;
    } catch (cause) {
      if (!(cause instanceof JwtError)) throw cause;
    }
    throw new OAuthError(
      'invalid_request',
      'id_token_hint',
      'The id_token_hint is not a valid ID token of this application.',
    );
  },
});

/** `ui_locales`: wanted languages, best first (OIDC Core §3.1.2.1). */
export const uiLocales: AuthorizationParameter<readonly string[]> = authorizationParameter<
  readonly string[]
>({
  names: ['ui_locales'],
  absent: [],
  read: (_ctx, { params }) => localesOf(params),
});

/** `acr_values`: authentication contexts the client would like, best first (OIDC Core §3.1.2.1). */
export const acrValues: AuthorizationParameter<readonly string[]> = authorizationParameter<
  readonly string[]
>({
  names: ['acr_values'],
  absent: [],
  read(_ctx, { params, client }) {
    const asked = (params.get('acr_values') ?? '').split(' ').filter((value) => value !== '');
    // OIDC Registration §2: default_acr_values hold where the request has no acr_values.
    return asked.length === 0 ? client.defaultAcrValues : asked;
  },
  // RFC 9470 §5: where logins reach contexts at all, a login that reaches none of those is refused:
  // the API that asked for them would refuse its token again. OIDC Core §3.1.2.1: elsewhere they
  // are asked for, not required.
  demand: (contexts, settings) =>
    contextDemand(contexts, settings, (settings.accounts.acrValues ?? []).length > 0),
});

/** What contexts demand of the login; null where none is named. */
export function contextDemand(
  contexts: readonly string[],
  { accounts }: Pick<Settings, 'accounts'>,
  essential: boolean,
): LoginDemand | null {
  if (contexts.length === 0) return null;
  const reachable = contexts.some((one) => accounts.acrValues?.includes(one) === true);
  return { contexts, reachable, essential };
}

/** All of them, in the order in which they are read. */
export const CORE_PARAMETERS: readonly AuthorizationParameter[] = [
  prompts,
  approvalPrompt,
  nonce,
  maxAge,
  loginHint,
  hintedSub,
  uiLocales,
  acrValues,
];
