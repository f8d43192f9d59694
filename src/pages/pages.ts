/** Provisional: replaced by the real pages. */
import { html } from 'hono/html';
import type { FormView, Pages } from 'valetkey';

const form = (id: string, view: FormView, rest: unknown): string =>
  String(
    html`<form id="${id}" method="post" action="${view.action}">${Object.entries(view.fields).map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`)}${rest}</form>`,
  );

export function builtInPages(): Pages {
  return {
    login: (view) =>
      form('login-form', view.form, html`<p id="login-problem">${view.problem ?? ''}</p><input name="username" value="${view.username}">`),
    account: (view) => form('account-form', view.form, html`${view.accountName}`),
    consent: (view) => form('consent-form', view.form, html`${view.client.name} ${view.accountName}`),
    logout: (view) => form('logout-form', view.form, html`${view.accountName}`),
    signedOut: (view) => String(html`<h1 id="signed-out">${view.signedOut ? 'out' : 'in'}</h1>`),
    error: (view) =>
      String(
        html`<p id="error-code">${view.code}</p><p id="error-reason">${view.reason}</p><p id="error-description">${view.description}</p>`,
      ),
  };
}
