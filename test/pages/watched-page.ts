/**
 * A page of a real browser that notes every script that calls `alert`, every request to an address
 * that is not expected and every violation of a policy, and that tells the shape of a document: all
 * that is in it but its words and values.
 */
import type { Browser, BrowserContext, Page } from 'playwright-core';

/** In every document, before its own scripts. */
const WATCH = `{
  const note = (what) => globalThis.noteOf?.(what);
  globalThis.alert = (...values) => note('ran: alert ' + values.join());
  addEventListener('securitypolicyviolation', ({ effectiveDirective, blockedURI, sourceFile }) =>
    note('violation: ' + [effectiveDirective, blockedURI, sourceFile].join(' ')));
}`;

/**
 * `shapeOf(document)`: a line for each node but texts. Of values it has the addresses, without
 * query and fragment, and the names of fields that are not scopes.
 */
const SHAPE = `
  const ADDRESSES = ['href', 'xlink:href', 'src', 'srcset', 'srcdoc', 'data', 'action', 'formaction',
    'poster', 'background', 'ping', 'cite', 'manifest', 'content', 'style', 'target', 'form'];
  const bare = (base, name, value) => {
    if (!['href', 'xlink:href', 'src', 'data', 'action', 'formaction'].includes(name)) return value;
    if (!URL.canParse(value, base)) return 'no address';
    const { protocol, host, pathname } = new URL(value, base);
    return protocol + '//' + host + (/^https?:$/.test(protocol) ? pathname : '');
  };
  const lineOf = (node) => {
    if (node.nodeType !== 1) return '#' + node.nodeType;
    const attributes = [...node.attributes].map(({ name, value }) =>
      ADDRESSES.includes(name) ? name + '=' + bare(node.baseURI, name, value) : name);
    return [node.nodeName, ...attributes.sort()].join(' ');
  };
  const shapeOf = (document) => {
    const lines = [document.compatMode];
    const walker = document.createTreeWalker(document, NodeFilter.SHOW_ALL - NodeFilter.SHOW_TEXT);
    while (walker.nextNode() !== null) lines.push(lineOf(walker.currentNode));
    return lines;
  };
`;

export interface Watched {
  readonly page: Page;
  readonly context: BrowserContext;
  /** What was noted since this was called last. */
  notes(): readonly string[];
}

/** @param isExpected true for a request that may be sent */
export async function watchedPage(
  browser: Browser,
  isExpected: (url: URL, method: string) => boolean,
): Promise<Watched> {
  const context = await browser.newContext();
  const noted: string[] = [];
  await context.exposeBinding('noteOf', (_source, what: string) => void noted.push(what));
  await context.addInitScript(WATCH);
  const page = await context.newPage();
  page.on('dialog', async (dialog) => {
    noted.push(`ran: ${dialog.type()} ${dialog.message()}`);
    await dialog.dismiss();
  });
  context.on('page', (opened) => noted.push(`opened: ${opened.url()}`));
  context.on('request', (request) => {
    const url = new URL(request.url());
    if (!isExpected(url, request.method())) noted.push(`request: ${request.method()} ${url}`);
  });
  return { page, context, notes: () => noted.splice(0) };
}

/** The shape of the document of a page. */
export async function shapeOf(page: Page): Promise<readonly string[]> {
  return await page.evaluate(`{ ${SHAPE} shapeOf(document) }`);
}

/**
 * The shapes of these documents. They are written into one frame, one after the other, which takes
 * a fiftieth of the time that it takes to go to each of them.
 */
export async function writtenShapes(
  page: Page,
  documents: readonly string[],
): Promise<readonly (readonly string[])[]> {
  return await page.evaluate(`(async (documents) => {
    ${SHAPE}
    const { port1, port2 } = new MessageChannel();
    const tick = () => new Promise((resolve) => {
      port1.onmessage = resolve;
      port2.postMessage(null);
    });
    const shapes = [];
    const frame = document.createElement('iframe');
    document.body.replaceChildren(frame);
    for (const text of documents) {
      const inside = frame.contentDocument;
      inside.open();
      inside.write(text);
      const loaded = new Promise((resolve) => frame.contentWindow.addEventListener('load', resolve));
      inside.close();
      if (inside.readyState !== 'complete') await loaded;
      await tick();
      if (frame.contentDocument !== inside) return [...shapes, ['led elsewhere']];
      shapes.push(shapeOf(inside));
    }
    return shapes;
  })(${JSON.stringify(documents)})`);
}
