/** Reads bodies within bounds: forms of requests, and JSON of authorization servers. */

/** Bytes of a form. */
const MOST_BYTES = 65_536;

/**
 * The parameters of a form, of a copy of the request, so that the handler can read it as well; a
 * parameter that came twice is a list. Null when it was read before, or is too large.
 */
export async function formOf(
  request: Request,
): Promise<Readonly<Record<string, string | readonly string[]>> | null> {
  if (request.bodyUsed || request.body === null) return null;
  const text = await readText(request.clone(), MOST_BYTES);
  if (text === null) return null;
  const params = new URLSearchParams(text);
  return Object.fromEntries(
    [...new Set(params.keys())].map((name) => {
      const values = params.getAll(name);
      return [name, values.length > 1 ? values : (values[0] ?? '')];
    }),
  );
}

/** The body as text; null when it has more bytes. */
export async function readText(
  { body }: Pick<Response, 'body'>,
  mostBytes: number,
): Promise<string | null> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const reader = body?.getReader();
  for (;;) {
    const { value } = (await reader?.read()) ?? {};
    if (value === undefined) return new TextDecoder().decode(Buffer.concat(chunks));
    size += value.length;
    if (size > mostBytes) {
      // Not awaited: where two copies are read, this one ends when the other does.
      reader?.cancel().catch(() => undefined);
      return null;
    }
    chunks.push(value);
  }
}
