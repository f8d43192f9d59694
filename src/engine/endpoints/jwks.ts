/**
 * The JSON Web Key Set (RFC 7517 §5): public members of the next, current and retired signing keys.
 */
import { type PublicDocument, publicDocument, serveDocument } from '../../web/documents.ts';
import type { Endpoint } from '../contracts/endpoint.ts';

export function jwks(): Endpoint {
  let served: { readonly kids: string; readonly document: PublicDocument } | null = null;
  return {
    name: 'jwks-info',
    path: '.well-known/jwks.json',
    document: 'jwks.json',
    methods: ['GET', 'HEAD'],
    errors: 'json',
    metadataName: 'jwks_uri',
    cors: 'any',

    async handle(ctx) {
      const keys = await ctx.keys.published();
      const kids = keys.map(({ kid }) => kid).join(' ');
      if (served?.kids !== kids)
        served = { kids, document: publicDocument('application/json', JSON.stringify({ keys })) };
      return serveDocument(ctx.request, served.document, ctx.settings.publicMaxAge);
    },
  };
}
