/**
 * Logos of applications, through this origin: a picture from another server would tell that server
 * who signs in and when, and the policy of pages loads none.
 */
import { OutboundError } from '../../domain/outbound.ts';
import { OAuthError } from '../../protocol/errors.ts';
import { publicDocument, serveDocument } from '../../web/documents.ts';
import type { Endpoint } from '../contracts/endpoint.ts';

const HOUR = 3600;
const POLICY = { 'Content-Security-Policy': "default-src 'none'; sandbox" };

export const clientLogo: Endpoint = {
  name: 'client-logo',
  path: 'client-logo/:client',
  methods: ['GET', 'HEAD'],
  errors: 'page',

  async handle(ctx) {
    const client = await ctx.clients
      .identify(ctx.request.path['client'] ?? '', ctx.request)
      .catch(notShown);
    if (client === null || client.disabledAt !== null || client.logoUri === null) throw noLogo();
    try {
      const { contentType, body } = await ctx.outbound.picture(client.logoUri);
      return serveDocument(ctx.request, publicDocument(contentType, body), HOUR, POLICY);
    } catch (error) {
      if (!(error instanceof OutboundError)) throw error;
      ctx.clientId = client.clientId;
      throw noLogo(error.message);
    }
  },
};

/** What is wrong with its description is told where it asks for something. */
function notShown(error: unknown): null {
  if (error instanceof OAuthError) return null;
  throw error;
}

function noLogo(received = 'no logo_uri'): OAuthError {
  return new OAuthError('invalid_request', 'logo_unavailable', 'There is no such picture.', {
    status: 404,
    hint: { expected: 'a PNG, JPEG, GIF or WebP of at most 200 KB at the logo_uri', received },
  });
}
