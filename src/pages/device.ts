/**
 * The pages of the device flow: one to type the user code, one to confirm the device, one with the
 * result. When each is shown, and what an answer means, is decided by the feature
 * `device-authorization`.
 */
import type { DeviceConfirmationView, DeviceResultView, DeviceView } from 'valetkey';
import {
  clientLinks,
  clientName,
  clientNote,
  clientRow,
  detailList,
  form,
  name,
  otherButton,
  primaryButton,
  type Sheet,
  scopeChoice,
  scopeList,
} from './layout.ts';
import { type Markup, markup } from './markup.ts';
import type { Messages } from './messages.ts';

/** The template of the page where people type the user code. */
export function device(view: DeviceView, { device: texts, login }: Messages): Sheet {
  const { problem } = view;
  const said = problem === 'limited' ? texts.limited(view.retryAfter) : texts.unknown;
  const notice =
    problem !== null && markup`<p id="device-problem" class="notice bad" role="alert">${said}</p>`;
  const about = problem !== null && markup` aria-describedby="device-problem" aria-invalid="true"`;
  return {
    title: problem === null ? texts.title : login.problem(texts.title),
    content: markup`<h1>${texts.title}</h1>
<p>${texts.lead}</p>
${notice}
${form(
  'device-form',
  view.form,
  markup`<div class="field">
<label for="user-code">${texts.code}</label>
<input id="user-code" class="code" name="user_code" type="text" value="${view.userCode}" autocomplete="off" autocapitalize="characters" spellcheck="false" maxlength="40" required autofocus${about}>
</div>
<div class="actions">
${primaryButton('device-submit', 'continue', texts.submit)}
</div>`,
)}`,
  };
}

/** The template of the page where people confirm or deny the device. */
export function deviceConfirmation(view: DeviceConfirmationView, messages: Messages): Sheet {
  const { deviceConfirmation: texts, consent } = messages;
  return {
    title: texts.title,
    content: markup`<h1>${texts.title}</h1>
${clientRow(view.client)}
<p>${texts.whose(clientName(view.client), name(view.accountName))}</p>
${clientNote(view.client, messages)}
<dl class="details facts">
<div><dt>${texts.compare}</dt><dd id="device-code" class="code">${view.userCode}</dd></div>
${place(view, texts)}
</dl>
<p id="device-warning" class="notice">${texts.warning}</p>
${form(
  'device-confirmation-form',
  view.form,
  markup`${scopes(view, messages)}
<div class="actions pair">
${primaryButton('device-allow', 'allow', texts.allow)}
${otherButton('device-deny', 'deny', 'secondary', texts.deny)}
</div>
<p class="small switch">${consent.notYou} ${otherButton('device-switch', 'switch', 'link', consent.another)}</p>`,
)}
${clientLinks(view.client, messages)}`,
  };
}

function place(
  { place: where, sameNetwork }: DeviceConfirmationView,
  texts: Messages['deviceConfirmation'],
): Markup | null {
  if (where === null) return null;
  const network = sameNetwork === true ? texts.sameNetwork : texts.otherNetwork;
  const aside = sameNetwork !== null && markup` (${network})`;
  return markup`<div><dt>${texts.place}</dt><dd id="device-place"><bdi>${where}</bdi>${aside}</dd></div>`;
}

function scopes(view: DeviceConfirmationView, messages: Messages): Markup {
  const { scopes: views, offline, partial, details } = view;
  const { consent, deviceConfirmation: texts } = messages;
  if (views.length === 0 && !offline && details.length === 0)
    return markup`<p>${consent.nothing}</p>`;
  return markup`<div id="device-scopes" class="scopes">
${detailList(consent.details, details)}
${scopeList(texts.asks, 'new', views, messages, partial)}
${offline && markup`<p class="offline"><strong>${consent.offline}</strong><br>${consent.offlineMeans}</p>`}
${scopeChoice(partial, messages)}
</div>`;
}

/** The template of the page that tells whether the device was connected. */
export function deviceResult(view: DeviceResultView, { deviceResult: texts }: Messages): Sheet {
  const title = view.allowed ? texts.allowed : texts.denied;
  const means = view.allowed ? texts.allowedMeans : texts.deniedMeans;
  return {
    title,
    content: markup`<h1 id="${view.allowed ? 'device-allowed' : 'device-denied'}">${title}</h1>
<p>${means(clientName(view.client))}</p>`,
  };
}
