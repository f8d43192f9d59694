/** The page at `/`, for people who open the address of the provider in a browser. */
import { acceptedLanguages, htmlResponse, type PageTemplate } from 'valetkey';
import type { HomeView } from 'valetkey/pages';
import type { Assembly } from './assemble.ts';
import { discoveryUrl } from './provider-config.ts';

/**
 * The page, with the name and the logo of the operator.
 * @param languages the header `Accept-Language` of the request
 */
export function homePage(
  { provider, issuer, pages, settings }: Assembly,
  languages: string | undefined,
): Response {
  const draw = pages['home'] as PageTemplate<HomeView>;
  const html = draw({
    providerName: (settings['name'] as string | undefined) ?? new URL(issuer).host,
    logoUrl: (settings['logoUrl'] as string | undefined) ?? null,
    locales: acceptedLanguages(languages ?? null),
    // A path and not a URL, because the page policy allows only styles of the origin that the page
    // was requested from, and that can be another name of this machine.
    assetsUrl: pathOf(provider.url('assets')),
    accountUrl: pathOf(provider.accountUrl),
    discoveryUrl: discoveryUrl(issuer),
  });
  return htmlResponse(issuer, html);
}

function pathOf<Url extends string | null>(url: Url): Url {
  return (url === null ? null : new URL(url).pathname) as Url;
}
