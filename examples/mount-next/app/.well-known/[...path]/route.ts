/** The discovery documents of the provider, which live at the root of its host. */
export const dynamic = 'force-dynamic';

export { GET, HEAD, OPTIONS } from '../../o/[...path]/route.ts';
