/** What comes next in an authorization: a pure decision from facts. Nobody else decides it; pages never route to one another. */
import type { AuthorizationRequest } from '../protocol/authorization-request.ts';
import type { ErrorCode } from '../protocol/errors.ts';
import { covers } from '../protocol/scope.ts';
import type { Authorization, Client, Session } from '../store/records.ts';
import type { Interaction } from './interactions.ts';

/** The facts. */
export interface Situation {
  readonly request: AuthorizationRequest;
  readonly client: Client;
  /** The browser's session with an account that exists and is enabled; else null. */
  readonly session: Session | null;
  /** What the subject allowed this client before. */
  readonly authorization: Authorization | null;
  readonly interaction: Interaction;
  readonly now: number;
}

export type Step =
  | {
      readonly step: 'login';
      readonly because:
        | 'no_session'
        | 'prompt_login'
        | 'max_age'
        | 'other_subject'
        | 'switch_account';
    }
  | { readonly step: 'account'; readonly because: 'prompt_select_account' }
  | {
      readonly step: 'consent';
      readonly because: 'prompt_consent' | 'missing_scopes' | 'client_not_assured';
    }
  | { readonly step: 'refuse'; readonly code: ErrorCode; readonly because: 'other_subject' }
  | { readonly step: 'done'; readonly session: Session };

/** The error that stands for a step when the client asked for silence (OIDC Core §3.1.2.6). */
export const SILENT_ERROR: Readonly<Record<'login' | 'account' | 'consent', ErrorCode>> = {
  login: 'login_required',
  account: 'account_selection_required',
  consent: 'consent_required',
};

export function nextStep(situation: Situation): Step {
  const { request, session, interaction } = situation;
  if (session === null) return { step: 'login', because: 'no_session' };
  // A host may vouch for a login of long ago: only one made since the interaction began is a new authentication.
  const fresh =
    interaction.loginSession === session.handle && session.authTime >= interaction.startedAt;
  if (interaction.switching && interaction.loginSession !== session.handle)
    return { step: 'login', because: 'switch_account' };
  // OIDC Core §3.1.2.2: an id_token_hint for somebody else is never answered positively.
  if (request.hintedSub !== null && request.hintedSub !== session.sub) {
    return fresh
      ? { step: 'refuse', code: 'login_required', because: 'other_subject' }
      : { step: 'login', because: 'other_subject' };
  }
  // OIDC Core §3.1.2.1: prompt=login and a passed max_age mean an active new authentication.
  if (request.prompts.includes('login') && !fresh)
    return { step: 'login', because: 'prompt_login' };
  if (request.maxAge !== null && situation.now - session.authTime > request.maxAge && !fresh)
    return { step: 'login', because: 'max_age' };
  if (request.maxAge === 0 && !fresh) return { step: 'login', because: 'max_age' };
  if (request.prompts.includes('select_account') && interaction.chosen !== session.sub) {
    return { step: 'account', because: 'prompt_select_account' };
  }
  return consentStep(situation, session);
}

function consentStep(situation: Situation, session: Session): Step {
  const { request, client, authorization, interaction } = situation;
  const consent = interaction.consent;
  if (consent !== null && consent.sub === session.sub && covers(consent.scopes, request.scopes))
    return { step: 'done', session };
  // OIDC Core §3.1.2.1: prompt=consent asks, whatever is remembered.
  if (request.prompts.includes('consent')) return { step: 'consent', because: 'prompt_consent' };
  if (client.skipConsent) return { step: 'done', session };
  // RFC 8252 §8.6: a client whose identity is not assured gets no silent repeat approval.
  if (!identityAssured(client, request.destination.redirectUri))
    return { step: 'consent', because: 'client_not_assured' };
  // An authorization without scopes says that nobody was asked: the client was the operator's own then.
  const allowed = authorization?.scopes ?? [];
  if (allowed.length === 0 || !covers(allowed, request.scopes))
    return { step: 'consent', because: 'missing_scopes' };
  return { step: 'done', session };
}

/** A confidential client proves itself at the token endpoint; a public one only by an https address that it controls. */
function identityAssured(client: Client, redirectUri: string): boolean {
  return client.clientType === 'confidential' || redirectUri.startsWith('https://');
}
