/**
 * The parts that pages share: the document around the content, the form and its buttons, and the
 * display of applications and people. Escaping is in `markup.ts`, the texts are in `messages.ts`.
 */
import type { AddressView, ClientView, FormView, Html, PageView, ScopeView } from 'valetkey';
import { scopeText } from './languages.ts';
import {
  displayName,
  type Inside,
  type Markup,
  markup,
  visibleText,
  webAddress,
} from './markup.ts';
import type { Messages } from './messages.ts';

/** The part of a page that a template draws. The rest is the same on every page. */
export interface Sheet {
  /** Title of the browser tab. The name of the provider is added to it. */
  readonly title: string;
  /** The content of `<main>`. */
  readonly content: Markup;
}

/** Number of `tone-…` classes in style.ts. */
const TONES = 8;

/**
 * The whole document.
 * @param version changes with the style sheet, so that browsers do not use a cached one of an
 * earlier release
 */
export function htmlDocument(
  view: PageView,
  messages: Messages,
  sheet: Sheet,
  version: string,
): Html {
  // What it adds is about forms. As a module it is nothing to browsers that are too old for it.
  const script =
    String(sheet.content).includes('<form') &&
    markup`<script type="module" src="${view.assetsUrl}page.js?v=${version}"></script>
`;
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
${script}</head>
<body>
<header class="brand"><img class="brand-logo" src="${logo}" alt="" height="32"><span class="brand-name">${view.providerName}</span></header>
<main class="card">
${sheet.content}
</main>
</body>
</html>
`);
}

/** The form of a page, with its hidden fields. A page has one form. */
export function form(id: string, view: FormView, content: Markup): Markup {
  const fields = Object.entries(view.fields).map(
    ([name, value]) => markup`<input type="hidden" name="${name}" value="${value}">`,
  );
  return markup`<form id="${id}" method="post" action="${view.action}">
${fields}
${content}
</form>`;
}

/**
 * The main submit button. Put it before all other buttons of the form, because the Enter key
 * presses the first one.
 * @param decision value of the field `decision` that it submits
 */
export function primaryButton(id: string, decision: string, label: Inside): Markup {
  return markup`<button id="${id}" class="button primary" type="submit" name="decision" value="${decision}">${label}</button>`;
}

/**
 * Any other submit button. It works even if required fields are empty.
 * @param decision value of the field `decision` that it submits
 */
export function otherButton(
  id: string,
  decision: string,
  look: 'secondary' | 'quiet' | 'link',
  label: Inside,
): Markup {
  const classes = look === 'link' ? 'link' : `button ${look}`;
  return markup`<button id="${id}" class="${classes}" type="submit" name="decision" value="${decision}" formnovalidate>${label}</button>`;
}

/** The name of a person or an application. It cannot change the direction of the text around it. */
export function name(text: string): Markup {
  return markup`<strong class="name"><bdi>${displayName(text)}</bdi></strong>`;
}

/** The name of an application; its client_id if nothing of the name is visible. */
export function clientName(client: ClientView): Markup {
  return name(displayName(client.name, client.clientId));
}

/**
 * The application: its logo or a letter, its name and its host. The letter is seen where the logo
 * is missing or cannot be loaded.
 * @param line the text with the name of the application in it; by default the name alone
 */
export function clientRow(
  client: ClientView,
  line: (application: Markup) => Markup = (application) => application,
): Markup {
  const letter = /[\p{L}\p{N}]/u.exec(displayName(client.name, client.clientId))?.[0] ?? '?';
  // The host is never shortened: people must see the end of a host name and the beginning of a
  // private-use scheme.
  const host = visibleText(client.host);
  const logo = client.logoUrl !== null && markup`<img src="${client.logoUrl}" alt="">`;
  return markup`<div class="client">
<span class="monogram tone-${tone(client.clientId)}" aria-hidden="true">${letter.toUpperCase()}${logo}</span>
<p class="client-text">${line(clientName(client))}${host !== '' && markup`<br><span class="host"><bdi>${host}</bdi></span>`}</p>
</div>`;
}

/** What people should know of an application for which nobody vouches; null of any other. */
export function clientNote(
  { vouchedFor, describedBy, onThisComputer }: ClientView,
  { unvouched }: Messages,
  id = 'client-note',
): Markup | null {
  if (vouchedFor) return null;
  const host = describedBy === null ? null : markup`<bdi>${visibleText(describedBy)}</bdi>`;
  return markup`<p id="${id}" class="notice">${host === null ? unvouched.itself : unvouched.describedBy(host)}${onThisComputer && markup` ${unvouched.onThisComputer}`}</p>`;
}

/** A link to an address for which nobody vouches, with its host; null without one. */
export function returnLink(
  id: string,
  address: AddressView | null,
  { returnTo }: Messages['error'],
): Markup | null {
  if (address === null) return null;
  const { url, host } = address;
  return markup`<p><a id="${id}" rel="noreferrer" href="${url}">${returnTo(visibleText(host))}</a></p>`;
}

/** Number of an application's colour. It depends only on the client_id, so it never changes. */
function tone(clientId: string): number {
  let sum = 0;
  for (const character of clientId) sum = (sum * 31 + (character.codePointAt(0) ?? 0)) % 65_521;
  return sum % TONES;
}

/**
 * Scopes under a heading, those that change something marked; null without scopes.
 * @param partial each but `openid` has a box, so that people may leave it out
 */
export function scopeList(
  title: string,
  kind: 'new' | 'known',
  views: readonly ScopeView[],
  messages: Messages,
  partial: boolean,
): Markup | null {
  if (views.length === 0) return null;
  const items = views.map((view) => {
    const mark = view.writes && markup` <span class="tag">${messages.consent.writes}</span>`;
    const text = markup`${scopeText(view, messages)}${mark}`;
    if (partial && view.name !== 'openid')
      return markup`<li class="choice">${scopeBox(view.name, text)}</li>
`;
    return markup`<li${view.writes && markup` class="writes"`}>${text}</li>
`;
  });
  return markup`<h2>${title}</h2>
<ul class="scope-list ${kind}">
${items}</ul>`;
}

/** What is asked for beside scopes. */
export function detailList(title: string, details: readonly string[]): Markup | null {
  if (details.length === 0) return null;
  const items = details.map(
    (text) => markup`<li class="writes"><bdi>${text}</bdi></li>
`,
  );
  return markup`<h2>${title}</h2>
<ul id="consent-details" class="scope-list new">
${items}</ul>`;
}

/** The box by which people allow one scope. */
export function scopeBox(scope: string, text: Inside): Markup {
  return markup`<label class="box"><input type="checkbox" id="scope-${scope}" name="scope:${scope}" value="allow" checked><span>${text}</span></label>`;
}

/** A scope that was allowed before, and that has no box. */
export function scopeKept(scope: string): Markup {
  return markup`<input type="hidden" name="scope:${scope}" value="allow">`;
}

/** Says to people and to the server that the boxes are a choice; null where there are none. */
export function scopeChoice(partial: boolean, { consent }: Messages): Markup | null {
  if (!partial) return null;
  return markup`<p class="small">${consent.choose}</p>
<input type="hidden" name="choose" value="scopes">`;
}

/**
 * Links to the privacy policy, terms and website of the application; null if it has none. They open
 * in a new tab, so that the form stays open.
 */
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

/** A link back to the application; null if it has no website. */
export function clientReturn(
  client: ClientView | null,
  label: (application: Markup) => Markup,
): Markup | null {
  const address = webAddress(client?.clientUri ?? null);
  if (client === null || address === null) return null;
  return wayOn(address, label(clientName(client)));
}

/** A link to where somebody goes on. */
export function wayOn(address: string, label: Markup | string, id = 'go-on'): Markup {
  return markup`<p class="actions"><a id="${id}" class="button secondary" href="${address}" rel="noopener noreferrer">${label}</a></p>`;
}
