/** Forms of ours, and only ours, may change something (CSRF). */
import { type FormBinding, isFormToken } from '../domain/interactions.ts';
import { OAuthError } from '../protocol/errors.ts';
import type { HttpRequest, RequestContext } from './request.ts';

/**
 * Refuses a form that another site made the browser send, or that was made for another browser,
 * interaction or session. @throws OAuthError with status 403
 */
export function requireOwnForm(
  ctx: RequestContext,
  token: string | undefined,
  binding: FormBinding,
): void {
  requireOwnSite(ctx.request);
  if (token === undefined || !isFormToken(ctx, binding, token)) throw formTokenRefused();
}

/** The refusal of a form that was made for another browser, interaction or session. */
export function formTokenRefused(): OAuthError {
  return new OAuthError(
    'invalid_request',
    'form_token',
    'The form does not belong to this browser session. Go back, reload the page and try again.',
    { status: 403 },
  );
}

/**
 * Refuses what another site made the browser send, by the browser's own word (RFC 6749 §10.12).
 * Older browsers send no such word, so other proofs stand beside it.
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
