/**
 * The response modes of the core (OAuth Multiple Response Types §2.1); `form_post` is a feature.
 */
import { withQuery } from '../protocol/redirect-uri.ts';
import { redirect } from '../web/respond.ts';
import type { ResponseMode } from './contracts/response-type.ts';

const query: ResponseMode = {
  name: 'query',
  carriesTokens: false,
  send(_ctx, { redirectUri }, parameters) {
    return redirect(withQuery(redirectUri, parameters));
  },
};

const fragment: ResponseMode = {
  name: 'fragment',
  carriesTokens: true,
  send: (_ctx, { redirectUri }, parameters) =>
    redirect(`${redirectUri}#${new URLSearchParams(parameters)}`),
};

export const CORE_RESPONSE_MODES: readonly ResponseMode[] = [query, fragment];
