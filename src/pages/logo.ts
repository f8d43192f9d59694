/**
 * The default picture beside the provider's name: a key in the accent colour. A host replaces it
 * with the option `logo` of `builtInPages`.
 */
import type { Accent } from './accent.ts';

/** The picture, as SVG. */
export function logo({ colour, on }: Accent): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64" width="64" height="64">
<rect width="64" height="64" rx="16" fill="${colour}"/>
<g fill="none" stroke="${on}" stroke-width="5" stroke-linecap="round" stroke-linejoin="round">
<circle cx="24" cy="25" r="10"/>
<path d="M31.5 32.5 48 49M41 42l5-5M47 48l4-4"/>
</g>
</svg>
`;
}
