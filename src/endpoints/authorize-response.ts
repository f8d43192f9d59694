/** How an authorization response leaves: query, fragment, or a form that posts itself; always with `iss` (RFC 9207), always 303. */
import { html, raw } from 'hono/html';
import { sha256Base64 } from '../crypto/bytes.ts';
import type { Context } from '../domain/context.ts';
import type { Destination } from '../protocol/authorization-request.ts';
import type { OAuthError } from '../protocol/errors.ts';
import { page } from '../web/page.ts';
import { redirect } from '../web/respond.ts';

const SUBMIT = 'document.forms[0].submit()';
const SUBMIT_SOURCE = `'sha256-${sha256Base64(SUBMIT)}'`;

/** Sends a successful answer. */
export function answer(
  ctx: Context,
  destination: Destination,
  params: Readonly<Record<string, string>>,
): Response {
  return send(ctx, destination, params);
}

/** Sends a refusal (RFC 6749 §4.1.2.1, OIDC Core §3.1.2.6). */
export function refuse(ctx: Context, destination: Destination, error: OAuthError): Response {
  return send(ctx, destination, { error: error.code, error_description: error.description });
}

function send(
  ctx: Context,
  destination: Destination,
  params: Readonly<Record<string, string>>,
): Response {
  const all = {
    ...params,
    // RFC 6749 §4.1.2: state comes back exactly as it was received.
    ...(destination.state === null ? {} : { state: destination.state }),
    // RFC 9207 §2: iss in every response, errors included.
    iss: ctx.settings.issuer,
  };
  const { redirectUri, responseMode } = destination;
  if (responseMode === 'form_post') return formPost(ctx, redirectUri, all);
  const encoded = new URLSearchParams(all).toString();
  if (responseMode === 'fragment') return redirect(`${redirectUri}#${encoded}`);
  // RFC 6749 §3.1.2: a query of the registered URI is retained.
  return redirect(`${redirectUri}${redirectUri.includes('?') ? '&' : '?'}${encoded}`);
}

// Form Post Response Mode §2: an HTML form that the browser submits; without JavaScript the user does.
function formPost(
  ctx: Context,
  action: string,
  params: Readonly<Record<string, string>>,
): Response {
  const fields = Object.entries(params).map(
    ([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`,
  );
  const document = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Continue</title></head>
<body><form id="response-form" method="post" action="${action}">${fields}<noscript><button id="response-submit" type="submit">Continue to the application</button></noscript></form>
<script>${raw(SUBMIT)}</script></body></html>`;
  return page(ctx, String(document), {
    formGoesTo: action,
    script: SUBMIT_SOURCE,
    headers: { 'Referrer-Policy': 'no-referrer' },
  });
}
