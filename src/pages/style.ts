/**
 * The style sheet. Colours are custom properties; those that depend on the accent colour come from
 * `accent.ts`. The rules of a host come after it and outside its layers, so they always win. A
 * browser without light-dark() shows the light scheme; a browser without layers shows plain HTML.
 */

/** The built-in rules of `style.css`. */
export const STYLE = `@layer base, parts, theme;

@layer base {
  :root {
    color-scheme: light;
    accent-color: var(--accent);
    --canvas: #f3f3ef;
    --card: #ffffff;
    --soft: #f7f7f4;
    --ink: #1b1d1f;
    --muted: #595f64;
    --line: #e2e2dc;
    --edge: #83898e;
    --bad: #a3211b;
    --bad-soft: #fdf1ef;
    --shadow: 0 1px 2px #1b1d1f0d, 0 12px 32px -8px #1b1d1f1f;
    --radius: 0.625rem;
    --gutter: clamp(1.25rem, 6vw, 2.5rem);
    font: 100%/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", Arial, sans-serif;
    -webkit-text-size-adjust: 100%;
    text-size-adjust: 100%;
  }
  @supports (color: light-dark(#000, #fff)) {
    :root {
      color-scheme: light dark;
      --canvas: light-dark(#f3f3ef, #111315);
      --card: light-dark(#ffffff, #1b1e20);
      --soft: light-dark(#f7f7f4, #222629);
      --ink: light-dark(#1b1d1f, #eceeef);
      --muted: light-dark(#595f64, #a6adb2);
      --line: light-dark(#e2e2dc, #33383c);
      --edge: light-dark(#83898e, #737b81);
      --bad: light-dark(#a3211b, #ffb4ab);
      --bad-soft: light-dark(#fdf1ef, #3a1f1c);
      --shadow: 0 1px 2px light-dark(#1b1d1f0d, #0006), 0 12px 32px -8px light-dark(#1b1d1f1f, #0009);
    }
  }
  *, ::before, ::after { box-sizing: border-box; }
  body {
    display: grid;
    grid-template: 0 auto auto 1fr / minmax(0, 27rem);
    justify-content: center;
    min-block-size: 100vh;
    min-block-size: 100dvh;
    margin: 0;
    color: var(--ink);
    background: var(--card);
    overflow-wrap: anywhere;
  }
  h1, h2, p, ul, dl, dd { margin: 0; padding: 0; }
  h1 { font-size: 1.625rem; line-height: 1.25; font-weight: 650; letter-spacing: -0.015em; text-wrap: balance; }
  h2 { font-size: 0.875rem; font-weight: 600; color: var(--muted); }
  ul { list-style: none; }
  button, input { font: inherit; color: inherit; letter-spacing: inherit; }
  a, .link { color: var(--link); text-decoration: underline; text-decoration-thickness: 1px; text-underline-offset: 0.2em; }
  a:hover, .link:hover { text-decoration-thickness: 2px; }
  :focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
}

@layer parts {
  .brand, .card { padding-inline: var(--gutter); }
  .brand {
    grid-row: 2;
    display: flex;
    align-items: center;
    gap: 0.625rem;
    padding-block: 1.5rem 0;
    font-weight: 600;
  }
  .brand-logo { flex: none; inline-size: auto; block-size: 2rem; max-inline-size: 9rem; border-radius: 0.5rem; object-fit: contain; }
  .brand-name, .client-text, dd { min-inline-size: 0; }
  .card {
    grid-row: 3;
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    gap: 1.375rem;
    align-content: start;
    padding-block: 1.75rem 2rem;
  }
  form { display: flex; flex-direction: column; gap: 1.25rem; }
  form > * { min-inline-size: 0; }
  .lead { font-size: 1.0625rem; }
  .small { font-size: 0.875rem; color: var(--muted); }
  .name { font-weight: 600; }
  .unseen { position: absolute; inline-size: 1px; block-size: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }

  .client { display: flex; align-items: start; gap: 0.875rem; }
  .client-text { line-height: 1.4; }
  .host { font-size: 0.875rem; color: var(--muted); }
  .monogram {
    flex: none;
    display: grid;
    grid-template: 100% / 100%;
    place-items: center;
    inline-size: 2.75rem;
    block-size: 2.75rem;
    border: 1px solid transparent;
    border-radius: 0.75rem;
    overflow: hidden;
    font-size: 1.25rem;
    line-height: 1;
    font-weight: 600;
    color: #fff;
    background: var(--tone);
  }
  .monogram > img { grid-area: 1 / 1; inline-size: 100%; block-size: 100%; object-fit: contain; background: #fff; }
  .tone-0 { --tone: #ad2f3c; }
  .tone-1 { --tone: #a8480f; }
  .tone-2 { --tone: #7d5e00; }
  .tone-3 { --tone: #39712f; }
  .tone-4 { --tone: #12716f; }
  .tone-5 { --tone: #2a65b5; }
  .tone-6 { --tone: #6a4fb3; }
  .tone-7 { --tone: #9c3a7d; }

  .field { display: grid; gap: 0.375rem; }
  label { font-size: 0.9375rem; font-weight: 500; }
  .field input {
    inline-size: 100%;
    min-block-size: 2.875rem;
    padding: 0.625rem 0.875rem;
    font-size: max(16px, 1rem);
    border: 1px solid var(--edge);
    border-radius: var(--radius);
    background: var(--card);
    caret-color: var(--link);
  }
  .field input:focus-visible { outline-width: 2px; outline-offset: -1px; border-color: var(--link); }
  .field input[aria-invalid="true"] { border-color: var(--bad); }
  .field.revealing { grid-template-columns: minmax(0, 1fr) auto; }
  .field.revealing > label { grid-column: 1 / -1; }
  .reveal {
    min-block-size: 2.75rem;
    padding-inline: 0.875rem;
    border: 1px solid var(--edge);
    border-radius: var(--radius);
    background: transparent;
    font-size: 0.875rem;
    cursor: pointer;
  }
  .field input.code { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace; font-size: 1.5rem; letter-spacing: 0.12em; text-align: center; text-transform: uppercase; }

  .actions { display: flex; flex-direction: column; gap: 0.625rem; margin-block-start: 0.25rem; }
  .button {
    display: block;
    inline-size: 100%;
    min-block-size: 2.875rem;
    padding: 0.6875rem 1rem;
    border: 1px solid transparent;
    border-radius: var(--radius);
    font-weight: 600;
    line-height: 1.3;
    text-align: center;
    text-decoration: none;
    background: none;
    cursor: pointer;
  }
  [aria-busy="true"] { cursor: progress; }
  [aria-busy="true"]::after { content: " …"; }
  .primary { color: var(--on-accent); background: var(--accent); border-color: var(--link); }
  .primary:hover { background: var(--accent-hover); }
  .secondary { color: var(--ink); border-color: var(--edge); }
  .quiet { color: var(--muted); }
  .secondary:hover { border-color: var(--link); }
  .secondary:hover, .quiet:hover { color: var(--ink); background: var(--soft); }
  .link { display: inline; padding: 0.25rem 0; border: 0; background: none; cursor: pointer; }
  .switch { text-align: center; }

  .notice { padding: 0.75rem 1rem; border: 1px solid var(--line); border-radius: var(--radius); background: var(--soft); font-size: 0.9375rem; }
  .bad { color: var(--bad); border-color: var(--bad); background: var(--bad-soft); }

  .scopes { display: grid; gap: 0.75rem; padding: 1.125rem 1.25rem; border: 1px solid var(--line); border-radius: var(--radius); background: var(--soft); }
  .scope-list { display: grid; gap: 0.5rem; }
  .scope-list li { position: relative; padding-inline-start: 1.75rem; }
  .scope-list li::before {
    content: "";
    position: absolute;
    inset-inline-start: 0.3125rem;
    inset-block-start: 0.25em;
    inline-size: 0.4375rem;
    block-size: 0.75rem;
    border: solid var(--link);
    border-width: 0 2px 2px 0;
    transform: rotate(42deg);
  }
  .scope-list.known li { color: var(--muted); }
  .scope-list.known li::before { border-color: currentColor; }
  .scope-list .writes::before { inset-block-start: 0.375em; inline-size: 0.625rem; block-size: 0.625rem; border: 0; border-radius: 50%; background: var(--link); transform: none; }
  .scope-list.known .writes::before { background: currentColor; }
  .tag { display: inline-block; padding-inline: 0.5rem; border: 1px solid var(--link); border-radius: 1rem; font-size: 0.8125rem; line-height: 1.4; color: var(--link); background: var(--card); }
  .scope-list li.choice { padding-inline-start: 0; }
  .scope-list li.choice::before { content: none; }
  .box { display: flex; gap: 0.625rem; align-items: baseline; font: inherit; cursor: pointer; }
  .box input { flex: none; inline-size: 1.125rem; block-size: 1.125rem; margin: 0; accent-color: var(--accent); transform: translateY(0.1875rem); }
  .scope-list + h2, .scope-list + .offline { margin-block-start: 0.125rem; padding-block-start: 0.875rem; border-block-start: 1px solid var(--line); }

  .entries { display: grid; gap: 1rem; margin-block-end: 1.5rem; }
  .entries .link { text-align: start; }
  .entries > li { display: grid; gap: 0.5rem; justify-items: start; padding: 1rem; border: 1px solid var(--line); border-radius: var(--radius); background: var(--soft); }
  .client-links { display: flex; flex-wrap: wrap; gap: 0.25rem 1rem; padding-block-start: 1.125rem; border-block-start: 1px solid var(--line); font-size: 0.875rem; }
  .client-links a { display: inline-block; padding-block: 0.25rem; }
  .details { display: grid; gap: 0.375rem; padding: 1rem; border-radius: var(--radius); border: 1px solid var(--line); background: var(--soft); font-size: 0.875rem; }
  .details div { display: flex; flex-wrap: wrap; gap: 0 0.5rem; }
  dt { flex: 0 0 4rem; color: var(--muted); }
  .facts dt { flex-basis: 9rem; }
  .facts dd { font-family: inherit; font-size: 0.9375rem; }
  .facts .code { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace; font-size: 1.125rem; font-weight: 600; letter-spacing: 0.08em; }
  dd { flex: 1 1 9rem; font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace; }

  @media (width >= 30rem) {
    body { grid-template-rows: 1fr auto auto 1.6fr; padding: 2rem 1.5rem; background: var(--canvas); }
    .brand { justify-content: center; padding-block: 0 1.5rem; }
    .card {
      padding-block: 2.25rem 2.5rem;
      border: 1px solid var(--line);
      border-radius: 1.125rem;
      background: var(--card);
      box-shadow: var(--shadow);
    }
    .pair { display: grid; grid-template-columns: 1fr 1fr; gap: 0.75rem; }
  }
  @media (width < 30rem) and (height >= 30rem) {
    .in-sight {
      position: sticky;
      inset-block-end: 0;
      flex-direction: row;
      flex-wrap: wrap;
      margin: 0 calc(-1 * var(--gutter));
      padding: 0.75rem var(--gutter);
      background: var(--card);
      box-shadow: 0 -1px 0 var(--line);
    }
    .in-sight > .button { flex: 1 1 7rem; inline-size: auto; }
  }
  @media (prefers-reduced-motion: no-preference) {
    .button, .field input { transition: background-color 0.12s, border-color 0.12s; }
  }
  @media (forced-colors: active) {
    .button { border-color: ButtonText; }
    .monogram { border-color: CanvasText; }
    .scope-list li::before { border-color: CanvasText; }
  }
}
`;
