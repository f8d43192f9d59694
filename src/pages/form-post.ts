/** The page that carries a response to an application by a form. */
import type { FormPostView } from 'valetkey';
import { form, type Sheet } from './layout.ts';
import { markup, visibleText } from './markup.ts';
import type { Messages } from './messages.ts';

/** The template of the page. Its button has no name, so that it adds nothing to the response. */
export function formPost(view: FormPostView, { formPost: texts }: Messages): Sheet {
  const button = markup`<button id="response-submit" class="button primary" type="submit">${texts.submit}</button>`;
  return {
    title: texts.title,
    content: markup`<h1>${texts.title}</h1>
<p>${texts.to(markup`<bdi>${visibleText(view.host)}</bdi>`)}</p>
${form('response-form', view.form, markup`<div class="actions">${button}</div>`)}`,
  };
}
