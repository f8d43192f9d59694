/** The login step: when somebody has to prove who they are, and the page on which they do. */
import { accountName } from '../../domain/accounts.ts';
import { type Interaction, loginMark } from '../../domain/interactions.ts';
import {
  accountKeyOf,
  canonicalUsername,
  proveLogin,
  refuseLockedNetwork,
} from '../../domain/login.ts';
import type { LoginView } from '../../domain/pages.ts';
import { TooManyAttempts } from '../../domain/rate-limiter.ts';
import { OAuthError } from '../../protocol/errors.ts';
import type { Session } from '../../store/records.ts';
import { isKnownDevice, knownDeviceCookie } from '../../web/known-devices.ts';
import { definePage } from '../../web/page.ts';
import type { RequestContext } from '../../web/request.ts';
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
import { acrValues, hintedSub, loginHint, maxAge, prompts } from '../parameters.ts';

export const login: Step = defineStep<LoginView>({
  name: 'login',
  silentError: 'login_required',
  page: definePage('login'),
  // Signing in is what makes a session, so its form is valid for any.
  anySession: true,
  due,
  view: (_ctx, { request, session, account }, { because }, notice) => ({
    username: notice?.typed ?? loginHint(request) ?? '',
    problem: problemOf(notice?.problem),
    retryAfter: notice?.retryAfter ?? null,
    again: session !== null && because !== 'switch_account',
    // Where somebody else was asked for, the signed-in account is not the one to prove.
    accountName: AGAIN.includes(because) && account !== null ? accountName(account) : null,
    acrValues: acrValues(request),
  }),
  async answer(ctx, posted) {
    if (posted.decision === 'cancel') return declined();
    if (posted.decision !== 'login') throw unknownDecision();
    return await logIn(ctx, posted);
  },
});

/** Reasons for which the signed-in person has to prove that it is still them. */
const AGAIN: readonly string[] = ['prompt_login', 'max_age', 'acr'];
const PROBLEMS = ['credentials', 'limited', 'idle'] as const;

function problemOf(problem: string | undefined): LoginView['problem'] {
  return PROBLEMS.find((known) => known === problem) ?? null;
}

function due(situation: Situation): Due | null {
  const { request, session, subject } = situation;
  if (session === null) return { because: 'no_session' };
  if (isSwitching(situation, session)) return { because: 'switch_account' };
  const fresh = isFresh(situation);
  const hinted = hintedSub(request);
  // OIDC Core §3.1.2.2: an id_token_hint for somebody else is never answered positively.
  if (hinted !== null && hinted !== subject)
    return fresh
      ? { because: 'other_subject', refuse: otherSubject() }
      : { because: 'other_subject' };
  const unmet = unmetDemand(situation, session, fresh);
  if (unmet !== null) return unmet;
  if (fresh) return null;
  // OIDC Core §3.1.2.1: prompt=login and a passed max_age mean an active new authentication.
  if (prompts(request).includes('login')) return { because: 'prompt_login' };
  const most = maxAge(request);
  if (most !== null && (most === 0 || situation.now - session.authTime > most))
    return { because: 'max_age' };
  return null;
}

/** What parameters demand of the login and this session does not fulfil; null when it does. */
function unmetDemand(
  { request, subject: known }: Situation,
  session: Session,
  fresh: boolean,
): Due | null {
  for (const { subject, contexts, reachable = false, essential = false } of request.demands) {
    // OIDC Core §5.5.1: another subject than the one asked for by name is no positive answer.
    if (subject !== undefined && subject !== known)
      return fresh
        ? { because: 'other_subject', refuse: otherSubject() }
        : { because: 'other_subject' };
    if (contexts === undefined || contexts.includes(session.acr ?? '')) continue;
    // Somebody who just signed in is not asked to sign in again.
    if (reachable && !fresh) return { because: 'acr' };
    // OIDC Core §5.5.1.1: an essential context that is not reached is a failed authentication.
    if (essential) return { because: 'acr', refuse: unmetContext() };
  }
  return null;
}

function unmetContext(): OAuthError {
  return new OAuthError(
    'unmet_authentication_requirements',
    'acr_not_reached',
    'The login does not reach the authentication context that is required.',
  );
}

/** True while nobody signed in after the human asked to go on as somebody else. */
function isSwitching({ interaction, hosted }: Situation, session: Session): boolean {
  if (interaction.switching === null) return false;
  if (hosted) return interaction.switching === loginMark(session);
  return interaction.loginSession !== session.handle;
}

/**
 * True when somebody signed in since the interaction began. A host may vouch for a login of long
 * ago, so the time of the proof counts as well. A session that this interaction began is later than
 * it, whatever the clocks of two nodes say.
 */
export function isFresh({
  session,
  interaction,
  hosted,
}: Pick<Situation, 'session' | 'interaction' | 'hosted'>): boolean {
  if (session === null) return false;
  if (hosted) return session.authTime >= interaction.startedAt;
  const began = Math.min(interaction.startedAt, session.createdAt);
  return interaction.loginSession === session.handle && session.authTime >= began;
}

function otherSubject(): OAuthError {
  return new OAuthError(
    'login_required',
    'subject_other_than_hinted',
    'Somebody else is signed in than was asked for.',
  );
}

async function logIn(
  ctx: RequestContext,
  { params, interaction }: PostedAnswer,
): Promise<StepOutcome> {
  const username = canonicalUsername(params.get('username') ?? '');
  const password = params.get('password') ?? '';
  try {
    refuseLockedNetwork(ctx);
    return await prove(ctx, username, password, interaction);
  } catch (error) {
    if (!(error instanceof TooManyAttempts)) throw error;
    return tooMany(error, username);
  }
}

async function prove(
  ctx: RequestContext,
  username: string,
  password: string,
  interaction: Interaction,
): Promise<StepOutcome> {
  const account = await accountKeyOf(ctx, username);
  const browser = interaction.browser ?? '';
  const known = isKnownDevice(ctx, browser, account);
  const attempt = { username, password, account, knownDevice: known ? browser : null };
  const proven = await proveLogin(ctx, attempt);
  if (proven === null)
    return {
      outcome: 'again',
      notice: { problem: 'credentials', typed: username, status: 422 },
    };
  return {
    outcome: 'signed_in',
    login: {
      sub: proven.account.sub,
      amr: proven.amr,
      acr: proven.acr ?? null,
      proof: proven.proof,
    },
    cookies: known ? [] : [knownDeviceCookie(ctx, browser, account)],
  };
}

function tooMany({ headers, retryAfter }: TooManyAttempts, typed: string): StepOutcome {
  return {
    outcome: 'again',
    notice: { problem: 'limited', typed, status: 429, headers, retryAfter },
  };
}
