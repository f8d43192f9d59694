/** The pages on the way in: login, account choice, consent. */
import { html, raw } from 'hono/html';
import type { AccountView, ConsentView, Html, LoginView, ScopeView } from 'valetkey';
import { applicationLinks, applicationMark, form, layout, type Markup } from './layout.ts';
import type { Messages } from './messages.ts';
import { shownName } from './text.ts';

const NOTHING = raw('');

function problemText(view: LoginView, m: Messages): string | null {
  switch (view.problem) {
    case 'credentials':
      return m.wrongCredentials;
    case 'limited':
      return m.limited(Math.max(1, Math.ceil((view.retryAfter ?? 60) / 60)));
    case 'idle':
      return m.idle;
    case null:
      return null;
  }
}

export function loginPage(view: LoginView, m: Messages): Html {
  const problem = problemText(view, m);
  const described = problem === null ? '' : 'login-problem';
  const title = view.again ? m.againTitle : m.signIn;
  const nameFirst = view.username === '';
  return layout(
    view,
    m,
    title,
    html`<div class="head">${applicationMark(view.client)}
<h1>${title}</h1>
<p class="sub">${m.toContinue(shownName(view.client.name))} <span class="host">${view.client.host}</span></p></div>
${view.again ? html`<p class="note">${m.again}</p>` : NOTHING}
${problem === null ? NOTHING : html`<p id="login-problem" class="${view.problem === 'idle' ? 'note' : 'problem'}" role="alert">${problem}</p>`}
${form(
  'login-form',
  view.form,
  html`<div class="field"><label for="username">${m.username}</label>
<input id="username" name="username" type="text" value="${view.username}" autocomplete="username" autocapitalize="off" spellcheck="false" required maxlength="255"${nameFirst ? raw(' autofocus') : NOTHING}${described === '' ? NOTHING : html` aria-describedby="${described}"`}></div>
<div class="field"><label for="password">${m.password}</label>
<input id="password" name="password" type="password" autocomplete="current-password" required maxlength="128"${nameFirst ? NOTHING : raw(' autofocus')}${described === '' ? NOTHING : html` aria-describedby="${described}"`}></div>
<div class="actions"><button id="login-submit" type="submit" name="decision" value="login">${m.signIn}</button>
<button id="login-cancel" class="quiet" type="submit" name="decision" value="cancel" formnovalidate>${m.cancel}</button></div>`,
)}
${applicationLinks(view.client, m)}`,
  );
}

export function accountPage(view: AccountView, m: Messages): Html {
  return layout(
    view,
    m,
    m.chooseAccount,
    html`<div class="head">${applicationMark(view.client)}
<h1>${m.chooseAccount}</h1>
<p class="sub">${m.toContinue(shownName(view.client.name))} <span class="host">${view.client.host}</span></p></div>
${form(
  'account-form',
  view.form,
  html`<div class="actions"><button id="account-continue" type="submit" name="decision" value="continue">${m.continueAs(shownName(view.accountName))}</button>
<button id="account-switch" class="plain" type="submit" name="decision" value="switch">${m.anotherAccount}</button>
<button id="account-cancel" class="quiet" type="submit" name="decision" value="cancel">${m.cancel}</button></div>`,
)}`,
  );
}

function scopeList(id: string, scopes: readonly ScopeView[], more: Markup | typeof NOTHING): Markup {
  return html`<ul id="${id}" class="scopes">${scopes.map(({ name, description }) => html`<li data-scope="${name}">${description}</li>`)}${more}</ul>`;
}

export function consentPage(view: ConsentView, m: Messages): Html {
  const application = shownName(view.client.name);
  const offline = view.offline ? html`<li data-scope="offline_access">${m.offline}</li>` : NOTHING;
  const asked = view.newScopes.length > 0 || view.offline;
  return layout(
    view,
    m,
    m.consentTitle(application),
    html`<div class="head">${applicationMark(view.client)}
<h1>${m.consentTitle(application)}</h1>
<p class="sub"><span class="host">${view.client.host}</span></p></div>
${asked ? html`<h2>${m.wants}</h2>${scopeList('consent-scopes', view.newScopes, offline)}` : NOTHING}
${view.knownScopes.length > 0 ? html`<h2>${m.alreadyAllowed}</h2>${scopeList('consent-known-scopes', view.knownScopes, NOTHING)}` : NOTHING}
${!asked && view.knownScopes.length === 0 ? html`<p class="note">${m.nothingMore}</p>` : NOTHING}
${form(
  'consent-form',
  view.form,
  html`<div class="actions"><button id="consent-allow" type="submit" name="decision" value="allow">${m.allow}</button>
<button id="consent-deny" class="plain" type="submit" name="decision" value="deny">${m.deny}</button></div>
<p class="who">${m.signedInAs} <strong>${shownName(view.accountName)}</strong>. <button id="consent-switch" class="link" type="submit" name="decision" value="switch">${m.notYou}</button></p>`,
)}
<p class="small">${m.answerGoesTo(view.client.host)} ${m.withdraw}</p>
${applicationLinks(view.client, m)}`,
  );
}
