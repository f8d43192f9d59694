/** The page at `/`, for people who open the address of the provider in a browser. */
import { html } from 'hono/html';
import { htmlResponse } from 'valetkey';
import type { Assembly } from './assemble.ts';
import { discoveryUrl } from './provider-config.ts';

export function homePage({ provider, issuer }: Assembly): Response {
  const discovery = discoveryUrl(issuer);
  // A path and not a URL, because the page policy allows only styles of the origin that the page
  // was requested from, and that can be another name of this machine.
  const style = `${new URL(provider.url('assets')).pathname}style.css`;
  const page = html`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark"><title>Valetkey</title>
<link rel="stylesheet" href="${style}"></head>
<body><main class="card">
<h1>This is an identity provider</h1>
<p>Applications send people here to sign in. There is nothing to do on this page: open the application you want to use.</p>
<p>Setting up an application? It finds everything it needs in the <a href="${discovery}">discovery document</a>.</p>
</main></body></html>`;
  return htmlResponse(issuer, String(page));
}
