/** The consent step: whether the subject lets the client have what it asks for. */
import { accountName } from '../../domain/accounts.ts';
import type { Interaction } from '../../domain/interactions.ts';
import type { ConsentView, ScopeView } from '../../domain/pages.ts';
import type { Settings } from '../../domain/settings.ts';
import type { AuthorizationRequest } from '../../protocol/authorization-request.ts';
import { isPublic } from '../../protocol/client-metadata-rules.ts';
import { OAuthError } from '../../protocol/errors.ts';
import type { Params } from '../../protocol/params.ts';
import { isAnybodysScheme } from '../../protocol/redirect-uri.ts';
import { covers, isWriting, parseScope } from '../../protocol/scope.ts';
import type { Client } from '../../store/records.ts';
import { definePage } from '../../web/page.ts';
import {
  type Due,
  declined,
  defineStep,
  type PostedAnswer,
  type Situation,
  type Step,
  type StepOutcome,
  unknownDecision,
} from '../contracts/step.ts';
import { approvalPrompt, prompts } from '../parameters.ts';

/** What a subject allowed in an interaction. */
interface Consent {
  readonly sub: string;
  readonly scopes: readonly string[];
  /** Scopes that were shown to the subject, who left them out. */
  readonly refused: readonly string[];
  /** Keys of what was allowed beside scopes. Absent in what an earlier version sealed. */
  readonly items?: readonly string[];
}

/** What was allowed in this interaction; null when nobody was asked. */
export function consentIn({ answers }: Interaction): Consent | null {
  return (answers['consent'] as Consent | undefined) ?? null;
}

export const consent: Step = defineStep<ConsentView>({
  name: 'consent',
  // A feature that asks in a flow of its own asks there what it needs.
  flows: ['authorize'],
  silentError: 'consent_required',
  page: definePage('consent'),
  due,
  shows: ({ request }) => request.consentScopes,
  view(ctx, { account, authorization, client, request }) {
    const { consentScopes: scopes } = request;
    const known = authorization?.scopes ?? [];
    // What offline_access means stands apart on the page.
    const views = scopeViews(
      ctx.settings,
      scopes.filter((name) => name !== 'offline_access'),
    );
    return {
      accountName: accountName(account),
      newScopes: views.filter(({ name }) => !known.includes(name)),
      knownScopes: views.filter(({ name }) => known.includes(name)),
      offline: scopes.includes('offline_access'),
      offlineKnown: known.includes('offline_access'),
      partial: client.partialConsent,
      details: textsOf(request),
    };
  },
  async answer(_ctx, posted) {
    if (posted.decision === 'deny') return declined();
    if (posted.decision === 'switch') return { outcome: 'switch_account' };
    if (posted.decision !== 'allow') throw unknownDecision();
    return await allow(posted);
  },
});

function due(situation: Situation): Due | null {
  const { request, client, session, authorization, interaction, redirectUri } = situation;
  const given = consentIn(interaction);
  const items = keysOf(request);
  const isGiven =
    given !== null &&
    given.sub === session?.sub &&
    covers(given.scopes, request.consentScopes) &&
    covers(given.items ?? [], items);
  if (isGiven) return null;
  // OIDC Core §3.1.2.1: prompt=consent asks, whatever is remembered.
  if (prompts(request).includes('consent') || approvalPrompt(request))
    return { because: 'prompt_consent' };
  // Nothing says which application on the computer receives a scheme that anybody may take.
  if (redirectUri !== null && isAnybodysScheme(redirectUri))
    return { because: 'client_not_assured' };
  if (client.skipConsent) return null;
  // RFC 9396 §12: what somebody allowed once is no leave to do it again.
  if (items.length > 0) return { because: 'details' };
  // RFC 8252 §8.6: a client whose identity is not assured gets no silent repeat approval.
  if (!isIdentityAssured(client, redirectUri, request.artifacts))
    return { because: 'client_not_assured' };
  // An authorization without scopes says that nobody was asked: the client was the operator's own
  // then.
  const allowed = authorization?.scopes ?? [];
  if (allowed.length === 0 || !covers(allowed, request.consentScopes))
    return { because: 'missing_scopes' };
  return null;
}

/**
 * A client with credentials proves itself at the token endpoint; a public one, and every one that
 * is sent tokens without a visit there, only by an https address that it controls.
 */
function isIdentityAssured(
  client: Client,
  redirectUri: string | null,
  artifacts: readonly string[],
): boolean {
  if (redirectUri?.startsWith('https://')) return true;
  return !isPublic(client) && !artifacts.some((one) => one === 'token' || one === 'id_token');
}

/** What is asked for beside scopes, in plain words. */
export function textsOf({ consentItems = [] }: AuthorizationRequest): readonly string[] {
  return consentItems.map(({ text }) => text);
}

/** Keys of what is asked for beside scopes. */
export function keysOf({ consentItems = [] }: AuthorizationRequest): readonly string[] {
  return consentItems.map(({ key }) => key);
}

/** Scopes in plain words. */
export function scopeViews(settings: Settings, scopes: readonly string[]): readonly ScopeView[] {
  return scopes.map((name) => ({
    name,
    description: settings.scopes.get(name)?.description ?? name,
    writes: settings.scopes.get(name)?.writes ?? isWriting(name),
  }));
}

/**
 * Scopes that the user left out, in this interaction or before. Where no page may be shown, an
 * application that copes with less gets what was allowed before (RFC 6749 §3.3).
 */
export function refusedScopes(
  { consentScopes, values }: AuthorizationRequest,
  { client, session, authorization, interaction }: Omit<Situation, 'request'>,
): readonly string[] {
  if (!client.partialConsent || session === null) return [];
  const given = consentIn(interaction);
  if (given !== null) return given.sub === session.sub ? given.refused : [];
  if (!prompts({ values }).includes('none') || authorization === null) return [];
  const { scopes } = authorization;
  if (!consentScopes.some((scope) => scopes.includes(scope))) return [];
  return consentScopes.filter((scope) => isRefusable(scope) && !scopes.includes(scope));
}

/** Without openid the answer would be another one than the application asked for. */
function isRefusable(scope: string): boolean {
  return scope !== 'openid';
}

/** What a form says of the scopes that it showed; null where it offers no choice. */
function namedScopes(
  params: Params,
  shown: readonly string[],
  known: readonly string[],
): readonly string[] | null {
  if (params.has('scopes')) return [...parseScope(params.get('scopes') ?? ''), ...known];
  if (!params.has('choose')) return null;
  return shown.filter((scope) => !isRefusable(scope) || params.get(`scope:${scope}`) !== undefined);
}

/**
 * Divides the scopes that a page showed into those that were allowed and those that were refused.
 * @param known allowed before: they are withdrawn elsewhere, with the tokens that hold them. A form
 * of ours names them itself, as they were when it was drawn.
 * @returns null when nothing of them was allowed
 * @throws OAuthError when some were refused that the application asks for together
 */
export function dividedScopes(
  client: Client,
  params: Params,
  shown: readonly string[],
  known: readonly string[] = [],
): Pick<Consent, 'scopes' | 'refused'> | null {
  const kept = client.partialConsent ? known : [];
  const named = namedScopes(params, shown, kept) ?? shown;
  const refused = shown.filter((scope) => !named.includes(scope));
  if (refused.length > 0 && !(client.partialConsent && refused.every(isRefusable))) {
    throw new OAuthError(
      'access_denied',
      'consent_partial',
      'The user did not allow all that was asked for.',
    );
  }
  const scopes = shown.filter((scope) => named.includes(scope));
  return refused.length > 0 && scopes.length === 0 ? null : { scopes, refused };
}

/**
 * Only what the request asks for can be allowed. `scopes` says what a host's own page showed; the
 * built-in one showed what its interaction says.
 */
async function allow(posted: PostedAnswer): Promise<StepOutcome> {
  const { params, interaction } = posted;
  const { request, session, client, authorization } = await posted.situation();
  if (session === null) {
    throw new OAuthError(
      'login_required',
      'session_ended',
      'The user is not signed in any longer.',
    );
  }
  const asked = request.consentScopes;
  // Never more than was shown: what the client may ask for can have grown while the page was open.
  const shown = (interaction.shown['consent'] as readonly string[] | undefined) ?? asked;
  const divided = dividedScopes(
    client,
    params,
    params.has('scopes') ? asked : shown,
    authorization?.scopes,
  );
  if (divided === null) return declined();
  const { refused } = divided;
  const items = keysOf(request);
  const scopes = divided.scopes.filter((scope) => asked.includes(scope) && shown.includes(scope));
  const { sub } = session;
  return { outcome: 'answered', state: { sub, scopes, refused, items } satisfies Consent };
}
