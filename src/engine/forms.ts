/**
 * The forms of pages. Each is bound to its browser, to the interaction that it carries, and to the
 * session that it was drawn for, and only forms of ours may change something (RFC 6749 §10.12).
 */
import {
  type Interaction,
  restarted,
  sealInteraction,
  sessionMark,
} from '../domain/interactions.ts';
import { OAuthError } from '../protocol/errors.ts';
import type { Params } from '../protocol/params.ts';
import type { Session } from '../store/records.ts';
import type { HttpRequest, RequestContext } from '../web/request.ts';
import { redirectWithInteraction } from './continuation.ts';
import { isHosted } from './current-session.ts';

/**
 * The fields that a form carries besides what people fill in.
 * @param form name of the form
 * @param drawn the interaction; `shownTo` says for which session the form is drawn, and null that
 * it is valid for any
 */
export async function formFields(
  ctx: RequestContext,
  form: string,
  drawn: Interaction,
): Promise<{ readonly interaction: string; readonly token: string }> {
  return {
    interaction: await sealInteraction(ctx, drawn),
    token: ctx.vault.mac('form', textOf(form, drawn)),
  };
}

/**
 * Refuses a form that another site made the browser send, or that was made for another browser or
 * interaction.
 * @param interaction the one that the form carries
 * @throws OAuthError with status 403
 */
export function requireOwnForm(
  ctx: RequestContext,
  form: string,
  fields: Params,
  interaction: Interaction,
): void {
  requireOwnSite(ctx.request);
  const token = fields.get('token');
  if (token === undefined || !ctx.vault.matches('form', textOf(form, interaction), token))
    throw formRefused();
}

/**
 * Null when the form was drawn for the session that is signed in now. A host signs people in and
 * out without this provider, so there the interaction starts over with the new session.
 * @param endpoint name of the endpoint where it starts over
 * @throws OAuthError with status 403 where the session is ours
 */
export async function askAgainAfterSwitch(
  ctx: RequestContext,
  endpoint: string,
  interaction: Interaction,
  session: Session | null,
): Promise<Response | null> {
  if (interaction.shownTo === sessionMark(session)) return null;
  if (!isHosted(ctx)) throw formRefused();
  return await redirectWithInteraction(ctx, endpoint, restarted(ctx, interaction));
}

/**
 * Refuses a request that another site made the browser send, as the browser says in
 * `Sec-Fetch-Site`. Older browsers do not say it, so forms carry a token as well.
 * @throws OAuthError with status 403
 */
export function requireOwnSite(request: HttpRequest): void {
  const site = request.headers.get('sec-fetch-site');
  if (site !== null && site !== 'same-origin' && site !== 'none') {
    throw new OAuthError(
      'invalid_request',
      'form_cross_site',
      'The form was not sent from this site.',
      { status: 403 },
    );
  }
}

function formRefused(): OAuthError {
  return new OAuthError(
    'invalid_request',
    'form_token',
    'The form does not belong to this browser session. Go back, reload the page and try again.',
    { status: 403 },
  );
}

function textOf(form: string, { id, browser, shownTo }: Interaction): string {
  return [form, id, browser ?? '', shownTo ?? ''].join('\n');
}
