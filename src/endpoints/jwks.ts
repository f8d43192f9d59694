/** The JSON Web Key Set (RFC 7517 §5): public members of the next, current and retired signing keys. */
import { type PublicDocument, publicDocument, serveDocument } from '../web/documents.ts';
import type { Endpoint } from './endpoint.ts';

export function jwks(): Endpoint {
  let served: { readonly kids: string; readonly document: PublicDocument } | null = null;
  return {
    name: 'jwks-info',
    methods: ['GET', 'HEAD'],
    refuses: 'json',
    cors: 'any',

    async handle(ctx, call) {
      const keys = await ctx.keys.published();
      const kids = keys.map(({ kid }) => kid).join(' ');
      if (served?.kids !== kids)
        served = { kids, document: publicDocument('application/json', JSON.stringify({ keys })) };
      return serveDocument(call, served.document, ctx.settings.publicMaxAge);
    },
  };
}
