/** Files the pages need: style sheet, pictures. Only names the pages declare exist. */
import { OAuthError } from '../protocol/errors.ts';
import { type PublicDocument, publicDocument, serveDocument } from '../web/documents.ts';
import type { Endpoint } from './endpoint.ts';

const DAY = 24 * 3600;
/** A picture that somebody opens by itself runs no script in this origin; SVG could. */
const ASSET_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox";

export function assets(): Endpoint {
  const prepared = new Map<string, PublicDocument>();
  return {
    name: 'assets',
    methods: ['GET', 'HEAD'],
    refuses: 'page',

    async handle(ctx, call) {
      const name = call.url.pathname.split('/').at(-1) ?? '';
      const declared = ctx.settings.pages.assets ?? {};
      const asset = Object.hasOwn(declared, name) ? declared[name] : undefined;
      if (asset === undefined)
        throw new OAuthError('invalid_request', 'asset_unknown', 'There is no such file.', {
          status: 404,
        });
      let document = prepared.get(name);
      if (document === undefined) {
        document = publicDocument(asset.contentType, asset.body);
        prepared.set(name, document);
      }
      return serveDocument(call, document, DAY, { 'Content-Security-Policy': ASSET_POLICY });
    },
  };
}
