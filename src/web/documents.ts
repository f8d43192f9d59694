/** Public documents that anybody may read and cache: prepared bytes with an ETag. */
import { sha256 } from '../crypto/bytes.ts';
import type { HttpRequest } from './request.ts';

export interface PublicDocument {
  readonly contentType: string;
  readonly body: string | Uint8Array<ArrayBuffer>;
  readonly etag: string;
}

export function publicDocument(contentType: string, body: string | Uint8Array): PublicDocument {
  return {
    contentType,
    body: typeof body === 'string' ? body : new Uint8Array(body),
    etag: `"${sha256(body).slice(0, 22)}"`,
  };
}

/** @param maxAge seconds a cache may keep it */
export function serveDocument(
  request: HttpRequest,
  document: PublicDocument,
  maxAge: number,
  more: Readonly<Record<string, string>> = {},
): Response {
  const headers = {
    ...more,
    'Content-Type': document.contentType,
    'Cache-Control': `public, max-age=${maxAge}`,
    ETag: document.etag,
    'X-Content-Type-Options': 'nosniff',
  };
  if (isKnown(request.headers.get('if-none-match'), document.etag))
    return new Response(null, { status: 304, headers });
  return new Response(request.method === 'HEAD' ? null : document.body, { headers });
}

// RFC 9110 §13.1.2: a list of tags, compared weakly: what a proxy compressed is still the same
// document.
function isKnown(ifNoneMatch: string | null, etag: string): boolean {
  const tags = (ifNoneMatch ?? '').split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  return tags.includes(etag) || tags.includes('*');
}
