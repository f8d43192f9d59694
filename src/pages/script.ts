/**
 * The script of the pages. They all work without it: it shows a password on demand, and says that
 * an answer is under way, so that nobody sends a form twice.
 */

/** `page.js`. Texts come from the markup, in the language of the page. */
export const SCRIPT = `for (const field of document.querySelectorAll('input[data-show]')) {
  const button = document.createElement('button');
  const turn = (visible) => {
    field.type = visible ? 'text' : 'password';
    button.textContent = visible ? field.dataset.hide : field.dataset.show;
    button.setAttribute('aria-pressed', String(visible));
  };
  button.type = 'button';
  button.id = field.id + '-show';
  button.className = 'reveal';
  button.setAttribute('aria-controls', field.id);
  button.addEventListener('click', () => turn(field.type === 'password'));
  turn(false);
  field.after(button);
  field.parentElement.classList.add('revealing');
  // A browser would remember what is sent as text.
  field.form.addEventListener('submit', () => turn(false));
}
// Times come in UTC, because the server does not know where the reader is.
for (const time of document.querySelectorAll('time')) {
  const options = { dateStyle: 'medium', timeStyle: 'short' };
  time.textContent = new Date(time.dateTime).toLocaleString(document.documentElement.lang, options);
}
// Longer than an answer takes; then the form can be sent again, as after a lost connection.
const PATIENCE = 10000;
const busy = new Set();
const release = () => {
  for (const button of busy) button.removeAttribute('aria-busy');
  busy.clear();
};
addEventListener('submit', (event) => {
  if (busy.size > 0) return event.preventDefault();
  const button = event.submitter ?? event.target.querySelector('button');
  if (button === null) return;
  busy.add(button);
  button.setAttribute('aria-busy', 'true');
  setTimeout(release, PATIENCE);
});
// The page comes back from the history as it was left.
addEventListener('pageshow', (event) => {
  if (event.persisted) release();
});
`;
