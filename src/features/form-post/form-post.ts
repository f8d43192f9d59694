/** The response mode form_post. */
import { html, raw } from 'hono/html';
import { sha256Base64 } from '../../crypto/bytes.ts';
import { defineFeature, type FeatureFactory } from '../../engine/contracts/feature.ts';
import type { ResponseMode } from '../../engine/contracts/response-type.ts';
import { htmlResponse } from '../../web/page.ts';

const SUBMIT = 'document.forms[0].submit()';
const SUBMIT_SOURCE = `'sha256-${sha256Base64(SUBMIT)}'`;

const mode: ResponseMode = {
  name: 'form_post',
  carriesTokens: true,
  send(ctx, { redirectUri }, parameters) {
    const fields = Object.entries(parameters).map(
      ([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`,
    );
    // Form Post Response Mode §2: an HTML form that a script submits at once. The button is for
    // browsers that do not run it.
    const document = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Continue</title></head>
<body><form id="response-form" method="post" action="${redirectUri}">${fields}<button id="response-submit" type="submit">Continue to the application</button></form>
<script>${raw(SUBMIT)}</script></body></html>`;
    return htmlResponse(ctx.settings.issuer, String(document), {
      inPopup: true,
      formGoesTo: redirectUri,
      script: SUBMIT_SOURCE,
      headers: { 'Referrer-Policy': 'no-referrer' },
    });
  },
};

/** The response mode form_post (OAuth 2.0 Form Post Response Mode). */
export const formPost: FeatureFactory = defineFeature({
  name: 'form-post',
  description: 'The response mode form_post (OAuth 2.0 Form Post Response Mode)',
  options: {},
  create: () => ({ responseModes: [mode] }),
});
