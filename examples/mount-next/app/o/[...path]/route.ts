/** The endpoints of the provider, which live under `/o/`. */
import { openProvider } from '../../../provider.ts';

/** No response of the provider may be made ahead or kept. */
export const dynamic = 'force-dynamic';

async function answer(request: Request): Promise<Response> {
  const provider = await openProvider();
  return await provider.fetch(request);
}

export { answer as GET, answer as HEAD, answer as OPTIONS, answer as POST };
