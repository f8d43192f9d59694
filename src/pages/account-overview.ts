/**
 * The page where people see where they are signed in and what they allowed. What an answer means is
 * decided by the feature `account-overview`.
 */
import type { AccountOverviewView, AllowedClientView, OwnSessionView } from 'valetkey';
import {
  clientName,
  clientNote,
  clientRow,
  form,
  name,
  otherButton,
  type Sheet,
  scopeList,
} from './layout.ts';
import { type Markup, markup, visibleText } from './markup.ts';
import type { Messages } from './messages.ts';

/** The template of the account page. */
export function accountOverview(view: AccountOverviewView, messages: Messages): Sheet {
  const { accountOverview: texts } = messages;
  const hasOthers = view.sessions.some(({ isThisOne }) => !isThisOne);
  return {
    title: texts.title,
    content: markup`<h1>${texts.title}</h1>
<p>${texts.whose(name(view.accountName))}</p>
${form(
  'account-overview-form',
  view.form,
  markup`<h2 id="account-sessions">${texts.sessions}</h2>
<ul class="entries">
${view.sessions.map((one, index) => session(one, index, messages))}</ul>
${hasOthers && markup`<p>${otherButton('session-end-others', 'end-others', 'secondary', texts.endOthers)}</p>`}
<h2 id="account-applications">${texts.applications}</h2>
${view.applications.length === 0 && markup`<p>${texts.none}</p>`}
<ul class="entries">
${view.applications.map((one, index) => application(one, index, messages))}</ul>`,
)}`,
  };
}

function session(
  { sid, signedInAt, usedAt, isThisOne }: OwnSessionView,
  index: number,
  messages: Messages,
): Markup {
  const { accountOverview: texts } = messages;
  const label = isThisOne ? texts.endThis : texts.end;
  return markup`<li>
<p>${isThisOne && markup`<strong>${texts.thisBrowser}</strong><br>`}${texts.signedIn(time(signedInAt, messages))}<br>${texts.used(time(usedAt, messages))}</p>
${otherButton(`session-end-${index}`, `end ${sid}`, 'link', label)}
</li>
`;
}

function application(
  { client, scopes, since, start }: AllowedClientView,
  index: number,
  messages: Messages,
): Markup {
  const { accountOverview: texts } = messages;
  const way =
    start !== null &&
    markup`<p><a id="application-start-${index}" href="${start.url}" rel="noopener noreferrer">${texts.start(visibleText(start.host))}</a></p>`;
  return markup`<li>
${clientRow(client)}
${clientNote({ ...client, onThisComputer: false }, messages, `client-note-${index}`)}
<p>${texts.since(time(since, messages))}</p>
${scopeList(texts.may, 'known', scopes, messages, false)}
${way}
${otherButton(`application-withdraw-${index}`, `withdraw ${client.clientId}`, 'link', texts.withdraw(clientName(client)))}
</li>
`;
}

/** A time in UTC, which the script of the page turns into that of the reader. */
function time(seconds: number, { lang }: Messages): Markup {
  const at = new Date(seconds * 1000);
  const text = at.toLocaleString(lang, {
    dateStyle: 'medium',
    timeStyle: 'short',
    timeZone: 'UTC',
  });
  return markup`<time datetime="${at.toISOString()}">${text} UTC</time>`;
}
