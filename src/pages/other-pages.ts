/** The pages beside the way in: logout, what comes after it, and refusals. */
import { html, raw } from 'hono/html';
import type { ClientView, ErrorView, Html, LogoutView, SignedOutView } from 'valetkey';
import { form, layout, type Markup } from './layout.ts';
import type { Messages } from './messages.ts';
import { linkOf, shownName } from './text.ts';

const NOTHING = raw('');

export function logoutPage(view: LogoutView, m: Messages): Html {
  return layout(
    view,
    m,
    m.signOutTitle,
    html`<div class="head"><h1>${m.signOutTitle}</h1>
<p class="sub">${m.signOutAsk(shownName(view.accountName))}${view.client === null ? NOTHING : html` ${m.signOutFor(shownName(view.client.name))}`}</p></div>
${form(
  'logout-form',
  view.form,
  html`<div class="actions"><button id="logout-confirm" type="submit" name="decision" value="logout">${m.signOut}</button>
<button id="logout-stay" class="plain" type="submit" name="decision" value="stay">${m.stay}</button></div>`,
)}`,
  );
}

function wayBack(client: ClientView | null, m: Messages): Markup | typeof NOTHING {
  const href = linkOf(client?.clientUri ?? null);
  if (client === null || href === null) return NOTHING;
  return html`<p class="actions"><a class="button" href="${href}" rel="noopener noreferrer">${m.backTo(shownName(client.name))}</a></p>`;
}

export function signedOutPage(view: SignedOutView, m: Messages): Html {
  const title = view.signedOut ? m.signedOutTitle : m.stayedTitle;
  return layout(
    view,
    m,
    title,
    html`<div class="head" id="${view.signedOut ? 'signed-out' : 'still-signed-in'}"><h1>${title}</h1>
<p class="sub">${view.signedOut ? m.signedOut : m.stayed}</p></div>
${wayBack(view.client, m)}`,
  );
}

export function errorPage(view: ErrorView, m: Messages): Html {
  const title = view.status === 404 ? m.notFoundTitle : m.errorTitle;
  return layout(
    view,
    m,
    title,
    html`<div class="head"><h1 id="error-title">${title}</h1></div>
<p id="error-description" class="problem" role="alert">${view.description}</p>
<p>${m.errorBack}</p>
<details><summary>${m.details}</summary>
<dl><dt>error</dt><dd id="error-code">${view.code}</dd><dt>reason</dt><dd id="error-reason">${view.reason}</dd><dt>request</dt><dd id="error-request">${view.requestId}</dd></dl></details>`,
  );
}
