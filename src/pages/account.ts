/** The page that asks which account to go on with. */
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
