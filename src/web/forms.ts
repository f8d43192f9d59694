/** Forms of ours, and only ours, may change something (CSRF). */
import type { Context } from '../domain/context.ts';
import { type FormBinding, isFormToken } from '../domain/interactions.ts';
import { OAuthError } from '../protocol/errors.ts';
import type { Call } from './call.ts';

/**
 * Refuses a form that another site made the browser send, or that was made for another browser, interaction or session.
 * @throws OAuthError with status 403
 */
export function requireOwnForm(ctx: Context, call: Call, token: string | undefined, binding: FormBinding): void {
  // RFC 6749 §10.12: sec-fetch-site is the browser's own word; older browsers do not send it, the token is checked in any case.
  const site = call.headers.get('sec-fetch-site');
  if (site !== null && site !== 'same-origin' && site !== 'none') {
    throw new OAuthError('invalid_request', 'form_cross_site', 'The form was not sent from this site.', { status: 403 });
  }
  if (token === undefined || !isFormToken(ctx, binding, token)) {
    throw new OAuthError(
      'invalid_request',
      'form_token',
      'The form does not belong to this browser session. Go back, reload the page and try again.',
      { status: 403 },
    );
  }
}
