/** Which redirect URIs a client may register and use, by the settings and by what it is. */
import { isPublic } from '../protocol/client-metadata-rules.ts';
import { isLoopbackHost, type RedirectUriRules, rulesOfClient } from '../protocol/redirect-uri.ts';
import type { Client } from '../store/records.ts';
import type { Settings } from './settings.ts';

type RedirectSettings = Pick<
  Settings,
  'issuer' | 'allowLocalhostRedirect' | 'allowPrivateSchemes' | 'allowRedirectUriWildcards'
>;

/** The rules for all clients. Where the issuer is on loopback, everything runs on one computer. */
export function redirectUriRules({
  issuer,
  allowLocalhostRedirect,
  allowPrivateSchemes,
  allowRedirectUriWildcards,
}: RedirectSettings): RedirectUriRules {
  return {
    allowLocalhost: allowLocalhostRedirect || isLoopbackHost(new URL(issuer).hostname),
    privateSchemes: allowPrivateSchemes,
    allowWildcards: allowRedirectUriWildcards,
  };
}

/** The rules for one client. */
export function redirectUriRulesOf(settings: RedirectSettings, client: Client): RedirectUriRules {
  const { applicationType, allowLocalhost } = client;
  const owner = { applicationType, allowLocalhost, isPublic: isPublic(client) };
  return rulesOfClient(owner, redirectUriRules(settings));
}
