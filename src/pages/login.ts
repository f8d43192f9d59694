/**
 * The login page: username and password, and the reason when it is shown again. When it is shown,
 * and what an answer means, is decided by the core.
 */
import type { LoginView } from 'valetkey';
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

/** The template of the login page. */
export function login(view: LoginView, messages: Messages): Sheet {
  const { login: texts } = messages;
  const heading = view.again ? texts.again : texts.title;
  const problem = problemText(view, texts);
  const about = problem === null ? null : markup` aria-describedby="login-problem"`;
  const wrong = view.problem === 'credentials' ? markup` aria-invalid="true"` : null;
  // The first empty field gets the focus.
  const focus = markup` autofocus`;
  const username = markup`<label for="username">${texts.username}</label>
<input id="username" name="username" type="text" value="${view.username}" autocomplete="username" autocapitalize="none" spellcheck="false" required${about}${wrong}${view.username === '' && focus}>`;
  const password = markup`<label for="password">${texts.password}</label>
<input id="password" name="password" type="password" autocomplete="current-password" data-show="${texts.show}" data-hide="${texts.hide}" required${about}${wrong}${view.username !== '' && focus}>`;
  return {
    title: problem === null ? heading : texts.problem(heading),
    content: markup`<h1>${heading}</h1>
${clientRow(view.client, messages.continueTo)}
${view.accountName !== null && markup`<p id="login-account">${texts.signedInAs(name(view.accountName))}</p>`}
${problem}
${form(
  'login-form',
  view.form,
  markup`<div class="field">
${username}
</div>
<div class="field">
${password}
</div>
<div class="actions">
${primaryButton('login-submit', 'login', texts.submit)}
${otherButton('login-cancel', 'cancel', 'quiet', texts.cancel)}
</div>`,
)}
${clientLinks(view.client, messages)}`,
  };
}

function problemText(view: LoginView, texts: Messages['login']): Markup | null {
  if (view.problem === null) return null;
  const text = view.problem === 'limited' ? texts.limited(view.retryAfter) : texts[view.problem];
  const look = view.problem === 'idle' ? 'notice' : 'notice bad';
  return markup`<p id="login-problem" class="${look}" role="alert">${text}</p>`;
}
