/**
 * Session management (OpenID Connect Session Management 1.0): an application learns in the browser,
 * without a request, that the session changed. It asks a frame of ours, which reads a cookie.
 */
import { sha256Base64 } from '../../crypto/bytes.ts';
import type { Settings } from '../../domain/settings.ts';
import type { Endpoint } from '../../engine/contracts/endpoint.ts';
import { defineFeature, type FeatureFactory } from '../../engine/contracts/feature.ts';
import type { ResponseAddition } from '../../engine/contracts/response-type.ts';
import type { SessionListener } from '../../engine/contracts/session-listener.ts';
import { cookieName } from '../../web/cookies.ts';
import { framedScript } from '../../web/respond.ts';
import { nobodyWatched, watching, watchingOrigins } from './browser-state.ts';

/** What answers applications, in words that old browsers understand. */
function script(settings: Settings): string {
  // Session Management §3.1: the message is client_id and session_state with a space between.
  // Session Management §3.3: the answer goes to its sender alone.
  return `(function () {
  var name = ${JSON.stringify(`${cookieName(settings, 'state')}=`)};
  function watchers() {
    var cookies = document.cookie.split('; ');
    for (var i = 0; i < cookies.length; i += 1) {
      if (cookies[i].indexOf(name) !== 0) continue;
      try { return JSON.parse(decodeURIComponent(cookies[i].slice(name.length)))[1]; } catch (e) { return []; }
    }
    return [];
  }
  function answerTo(origin, text) {
    var cut = typeof text === 'string' ? text.lastIndexOf(' ') : -1;
    if (cut < 1 || cut === text.length - 1) return 'error';
    var all = watchers();
    for (var i = 0; i < all.length; i += 1)
      if (all[i][0] === origin && all[i][1] === text.slice(0, cut) && all[i][2] === text.slice(cut + 1)) return 'unchanged';
    return 'changed';
  }
  window.addEventListener('message', function (event) {
    if (event.source && event.source !== window) event.source.postMessage(answerTo(event.origin, event.data), event.origin);
  });
}());`;
}

function frame(): Endpoint {
  let made: { readonly html: string; readonly source: string } | null = null;
  return {
    name: 'check-session',
    path: 'check_session/',
    methods: ['GET'],
    errors: 'page',
    metadataName: 'check_session_iframe',
    async handle(ctx) {
      made ??= page(script(ctx.settings));
      const origins = watchingOrigins(ctx).join(' ') || "'none'";
      // Applications that got a session_state in this browser, and nobody else.
      return await Promise.resolve(framedScript(made.html, made.source, origins));
    },
  };
}

function page(text: string): { readonly html: string; readonly source: string } {
  const html = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Session</title></head><body><script>${text}</script></body></html>`;
  return { html, source: `'sha256-${sha256Base64(text)}'` };
}

/** The `session_state` of an authentication response. */
const sessionState: ResponseAddition = {
  name: 'session_state',
  add(ctx, { client, request, destination, session }) {
    // Session Management §3: in each authentication response; it names the origin of the client.
    const uri = new URL(destination.redirectUri);
    const hasPages = uri.protocol === 'https:' || uri.protocol === 'http:';
    if (!hasPages || !request.scopes.includes('openid')) return { parameters: {}, cookies: [] };
    const { state, cookie } = watching(ctx, session, uri.origin, client.clientId);
    return { parameters: { session_state: state }, cookies: [cookie] };
  },
};

const listener: SessionListener = {
  name: 'session-management',
  isFor: () => false,
  cookies: nobodyWatched,
};

/** Session management (OpenID Connect Session Management 1.0). */
export const sessionManagement: FeatureFactory = defineFeature({
  name: 'session-management',
  description: 'Applications see in the browser that the session changed (Session Management)',
  enabled: false,
  options: {},
  create: () => ({
    endpoints: [frame()],
    responseAdditions: [sessionState],
    sessionListeners: [listener],
  }),
});
