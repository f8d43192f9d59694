/** The endpoints of the provider, which live under `/o/`. */
import { provider } from '../../../provider.ts';

/** No response of the provider may be made ahead or kept. */
export const dynamic = 'force-dynamic';

const answer = async (request: Request): Promise<Response> => await provider.fetch(request);

export { answer as GET, answer as HEAD, answer as OPTIONS, answer as POST };
