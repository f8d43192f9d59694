/**
 * The consent page: which application asks, for which account, for which scopes, and whether also
 * while the person is away. When it is shown, and what an answer means, is decided by the core.
 */
import type { ConsentView, ScopeView } from 'valetkey';
import {
  clientLinks,
  clientRow,
  form,
  name,
  otherButton,
  primaryButton,
  type Sheet,
} from './layout.ts';
import { type Markup, markup } from './markup.ts';
import type { Messages } from './messages.ts';

/** The template of the consent page. */
export function consent(view: ConsentView, messages: Messages): Sheet {
  const { consent: texts } = messages;
  return {
    title: texts.title,
    content: markup`<h1>${texts.title}</h1>
${clientRow(view.client)}
<p>${texts.whose(name(view.accountName))}</p>
<div id="consent-scopes" class="scopes">
${scopes(view, texts)}
</div>
${form(
  'consent-form',
  view.form,
  markup`<p class="small">${texts.withdraw(view.providerName)}</p>
<div class="actions pair">
${primaryButton('consent-allow', 'allow', texts.allow)}
${otherButton('consent-deny', 'deny', 'secondary', texts.deny)}
</div>
<p class="small switch">${texts.notYou} ${otherButton('consent-switch', 'switch', 'link', texts.another)}</p>`,
)}
${clientLinks(view.client, messages)}`,
  };
}

function scopes(
  { newScopes, knownScopes, offline }: ConsentView,
  texts: Messages['consent'],
): Markup {
  if (newScopes.length === 0 && knownScopes.length === 0 && !offline)
    return markup`<p>${texts.nothing}</p>`;
  return markup`${list(knownScopes.length === 0 ? texts.asks : texts.asksAlso, 'new', newScopes)}
${list(texts.known, 'known', knownScopes)}
${offline && markup`<p class="offline"><strong>${texts.offline}</strong><br>${texts.offlineMeans}</p>`}`;
}

function list(title: string, kind: 'new' | 'known', views: readonly ScopeView[]): Markup | null {
  if (views.length === 0) return null;
  const items = views.map(
    ({ description }) => markup`<li>${description}</li>
`,
  );
  return markup`<h2>${title}</h2>
<ul class="scope-list ${kind}">
${items}</ul>`;
}
