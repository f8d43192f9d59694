/**
 * The pages about signing out: the question, and the result. When each is shown, and what an answer
 * means, is decided by the feature `rp-initiated-logout`.
 */
import type { LogoutView, SignedOutView } from 'valetkey';
import {
  clientReturn,
  clientRow,
  form,
  name,
  otherButton,
  primaryButton,
  returnLink,
  type Sheet,
  wayOn,
} from './layout.ts';
import { markup } from './markup.ts';
import type { Messages } from './messages.ts';

/** The template of the page that asks whether to sign out. */
export function logout(view: LogoutView, messages: Messages): Sheet {
  const { logout: texts } = messages;
  return {
    title: texts.title,
    content: markup`<h1>${texts.title}</h1>
${view.client !== null && clientRow(view.client, texts.asked)}
<p>${texts.who(name(view.accountName), view.providerName)}</p>
${form(
  'logout-form',
  view.form,
  markup`<div class="actions pair">
${primaryButton('logout-confirm', 'logout', texts.confirm)}
${otherButton('logout-stay', 'stay', 'secondary', texts.stay)}
</div>`,
)}`,
  };
}

/** The template of the page that tells whether the person is signed out. */
export function signedOut(view: SignedOutView, { signedOut: texts, error }: Messages): Sheet {
  const title = view.signedOut ? texts.out : texts.stayed;
  const means = view.signedOut ? texts.outMeans : texts.stayedMeans;
  return {
    title,
    content: markup`<h1 id="${view.signedOut ? 'signed-out' : 'still-signed-in'}">${title}</h1>
<p>${means(view.providerName)}</p>
${view.frames.map((address) => markup`<iframe class="unseen" sandbox="allow-scripts allow-same-origin" src="${address}" title="" aria-hidden="true" tabindex="-1"></iframe>`)}
${returnLink('signed-out-return', view.returnTo, error) ?? clientReturn(view.client, texts.back) ?? wayOn(view.homeUrl, texts.home(view.providerName))}`,
  };
}
