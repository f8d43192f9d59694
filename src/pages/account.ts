/**
 * The page that asks whether to continue with the signed-in account or with another one. When it is
 * shown, and what an answer means, is decided by the core.
 */
import type { AccountView } from 'valetkey';
import {
  clientLinks,
  clientRow,
  form,
  name,
  otherButton,
  primaryButton,
  type Sheet,
} from './layout.ts';
import { markup } from './markup.ts';
import type { Messages } from './messages.ts';

/** The template of the account page. */
export function account(view: AccountView, messages: Messages): Sheet {
  const { account: texts } = messages;
  return {
    title: texts.title,
    content: markup`<h1>${texts.title}</h1>
${clientRow(view.client, messages.continueTo)}
${form(
  'account-form',
  view.form,
  markup`<div class="actions">
${primaryButton('account-continue', 'continue', texts.go(name(view.accountName)))}
${otherButton('account-switch', 'switch', 'secondary', texts.another)}
${otherButton('account-cancel', 'cancel', 'quiet', texts.cancel)}
</div>`,
)}
${clientLinks(view.client, messages)}`,
  };
}
