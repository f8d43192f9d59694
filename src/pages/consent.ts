/**
 * The consent page: which application asks, for which account, for which scopes, and whether also
 * while the person is away. When it is shown, and what an answer means, is decided by the core.
 */
import type { ConsentView } from 'valetkey';
import {
  clientLinks,
  clientNote,
  clientRow,
  detailList,
  form,
  name,
  otherButton,
  primaryButton,
  type Sheet,
  scopeBox,
  scopeChoice,
  scopeKept,
  scopeList,
} from './layout.ts';
import { type Inside, type Markup, markup } from './markup.ts';
import type { Messages } from './messages.ts';

/** The template of the consent page. */
export function consent(view: ConsentView, messages: Messages): Sheet {
  const { consent: texts } = messages;
  return {
    title: texts.title,
    content: markup`<h1>${texts.title}</h1>
${clientRow(view.client)}
<p>${texts.whose(name(view.accountName))}</p>
${clientNote(view.client, messages)}
${form(
  'consent-form',
  view.form,
  // The scopes are in the form, because its buttons stay in sight for as long as the form is.
  markup`<div id="consent-scopes" class="scopes">
${scopes(view, messages)}
</div>
<p class="small">${withdrawal(view, texts)}</p>
<div class="actions pair in-sight">
${primaryButton('consent-allow', 'allow', texts.allow)}
${otherButton('consent-deny', 'deny', 'secondary', texts.deny)}
</div>
<p class="small switch">${texts.notYou} ${otherButton('consent-switch', 'switch', 'link', texts.another)}</p>`,
)}
${clientLinks(view.client, messages)}`,
  };
}

function withdrawal({ accountUrl, providerName }: ConsentView, texts: Messages['consent']): Inside {
  if (accountUrl === null) return texts.withdraw(providerName);
  return markup`<a id="consent-account" href="${accountUrl}" target="_blank" rel="noopener">${texts.withdrawHere}</a>`;
}

function scopes(view: ConsentView, messages: Messages): Markup {
  const { newScopes, knownScopes, offline, offlineKnown, partial, details } = view;
  const { consent: texts } = messages;
  const isEmpty = newScopes.length === 0 && knownScopes.length === 0 && details.length === 0;
  if (isEmpty && !offline) return markup`<p>${texts.nothing}</p>`;
  const title = knownScopes.length === 0 ? texts.asks : texts.asksAlso;
  const away = markup`<strong>${texts.offline}</strong><br>${texts.offlineMeans}`;
  return markup`${detailList(texts.details, details)}
${scopeList(title, 'new', newScopes, messages, partial)}
${scopeList(texts.known, 'known', knownScopes, messages, false)}
${partial && knownScopes.map(({ name: scope }) => scopeKept(scope))}
${partial && offlineKnown && scopeKept('offline_access')}
${offline && markup`<p class="offline">${partial && !offlineKnown ? scopeBox('offline_access', away) : away}</p>`}
${scopeChoice(partial, messages)}`;
}
