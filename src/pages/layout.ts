/**
 * What all pages share: the document around them, the form and its buttons, and how an application
 * and a person are shown.
 */
import type { ClientView, FormView, Html, PageView } from 'valetkey';
import {
  displayName,
  type Inside,
  type Markup,
  markup,
  visibleText,
  webAddress,
} from './markup.ts';
import type { Messages } from './messages.ts';

/** What a template draws: the rest is the same on every page. */
export interface Sheet {
  readonly title: string;
  readonly content: Markup;
}

const TONES = 8;

/**
 * The whole document.
 * @param version changes with the style sheet, so that no browser keeps the one of an earlier
 * release
 */
export function htmlDocument(
  view: PageView,
  messages: Messages,
  sheet: Sheet,
  version: string,
): Html {
  const logo = view.logoUrl ?? `${view.assetsUrl}logo?v=${version}`;
  return String(markup`<!DOCTYPE html>
<html lang="${messages.lang}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${sheet.title} – ${view.providerName}</title>
<link rel="icon" href="${logo}">
<link rel="stylesheet" href="${view.assetsUrl}style.css?v=${version}">
</head>
<body>
<header class="brand"><img class="brand-logo" src="${logo}" alt="" height="32"><span class="brand-name">${view.providerName}</span></header>
<main class="card">
${sheet.content}
</main>
</body>
</html>
`);
}

/** The one form of a page. */
export function form(id: string, view: FormView, content: Markup): Markup {
  const fields = Object.entries(view.fields).map(
    ([name, value]) => markup`<input type="hidden" name="${name}" value="${value}">`,
  );
  return markup`<form id="${id}" method="post" action="${view.action}">
${fields}
${content}
</form>`;
}

/** The button that Enter presses; it stands first in the form. */
export function primaryButton(id: string, decision: string, label: Inside): Markup {
  return markup`<button id="${id}" class="button primary" type="submit" name="decision" value="${decision}">${label}</button>`;
}

/** Any other button: it works although required fields are empty. */
export function otherButton(
  id: string,
  decision: string,
  look: 'secondary' | 'quiet' | 'link',
  label: Inside,
): Markup {
  const classes = look === 'link' ? 'link' : `button ${look}`;
  return markup`<button id="${id}" class="${classes}" type="submit" name="decision" value="${decision}" formnovalidate>${label}</button>`;
}

/** Name of a person or an application, kept from turning the text around it. */
export function name(text: string): Markup {
  return markup`<strong class="name"><bdi>${displayName(text)}</bdi></strong>`;
}

export function clientName(client: ClientView): Markup {
  return name(displayName(client.name, client.clientId));
}

/**
 * The application: a letter instead of its logo (a picture from elsewhere could tell a stranger who
 * signs in when), name and host.
 * @param line what to say of it; the name alone when absent
 */
export function clientRow(
  client: ClientView,
  line: (application: Markup) => Markup = (application) => application,
): Markup {
  const letter = /[\p{L}\p{N}]/u.exec(displayName(client.name, client.clientId))?.[0] ?? '?';
  // Never shortened: what counts stands at the end of a host and at the beginning of a private
  // scheme.
  const host = visibleText(client.host);
  return markup`<div class="client">
<span class="monogram tone-${tone(client.clientId)}" aria-hidden="true">${letter.toUpperCase()}</span>
<p class="client-text">${line(clientName(client))}${host !== '' && markup`<br><span class="host"><bdi>${host}</bdi></span>`}</p>
</div>`;
}

/** Same colour for the same application, everywhere. */
function tone(clientId: string): number {
  let sum = 0;
  for (const character of clientId) sum = (sum * 31 + (character.codePointAt(0) ?? 0)) % 65_521;
  return sum % TONES;
}

/** Links to what the application says about itself; they open beside the form. */
export function clientLinks(client: ClientView, { about, newTab }: Messages): Markup | null {
  const links = [
    [about.policy, webAddress(client.policyUri)],
    [about.terms, webAddress(client.tosUri)],
    [about.website, webAddress(client.clientUri)],
  ] as const;
  const items = links.map(
    ([label, address]) =>
      address !== null &&
      markup`<li><a href="${address}" target="_blank" rel="noopener noreferrer">${label}<span class="unseen"> (${newTab})</span></a></li>
`,
  );
  if (items.every((item) => item === false)) return null;
  return markup`<ul class="client-links">
${items}</ul>`;
}

/** A way back to the application, when it has a web site. */
export function clientReturn(
  client: ClientView | null,
  label: (application: Markup) => Markup,
): Markup | null {
  const address = webAddress(client?.clientUri ?? null);
  if (client === null || address === null) return null;
  return markup`<p class="actions"><a class="button secondary" href="${address}" rel="noopener noreferrer">${label(clientName(client))}</a></p>`;
}
