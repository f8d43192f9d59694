/** Files the pages need: style sheet, pictures. Only names that the pages declare exist. */
import { OAuthError } from '../../protocol/errors.ts';
import { type PublicDocument, publicDocument, serveDocument } from '../../web/documents.ts';
import type { Endpoint } from '../contracts/endpoint.ts';

const DAY = 24 * 3600;
/** A picture that somebody opens by itself runs no script in this origin; SVG could. */
const ASSET_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox";

export function assets(): Endpoint {
  const prepared = new Map<string, PublicDocument>();
  return {
    name: 'assets',
    path: 'assets/:file',
    methods: ['GET', 'HEAD'],
    errors: 'page',

    async handle(ctx) {
      const { file: name = '' } = ctx.request.path;
      const declared = ctx.settings.pages.assets ?? {};
      const asset = Object.hasOwn(declared, name) ? declared[name] : undefined;
      if (asset === undefined) {
        throw new OAuthError('invalid_request', 'asset_unknown', 'There is no such file.', {
          status: 404,
        });
      }
      let document = prepared.get(name);
      if (document === undefined) {
        document = publicDocument(asset.contentType, asset.body);
        prepared.set(name, document);
      }
      const policy = { 'Content-Security-Policy': ASSET_POLICY };
      return serveDocument(ctx.request, document, DAY, policy);
    },
  };
}
