/**
 * Derives readable colours from one accent colour: the text colour on it, and its shades for links
 * on the light and the dark card. All other colours are in `style.ts`.
 */
import { ConfigError } from 'valetkey';

type Rgb = readonly [red: number, green: number, blue: number];

const WHITE: Rgb = [255, 255, 255];
const BLACK: Rgb = [0, 0, 0];
/** The backgrounds behind links. They must equal `--card` in style.ts. */
const LIGHT_CARD: Rgb = WHITE;
const DARK_CARD: Rgb = [27, 30, 32];
// WCAG 2.2 §1.4.3 asks for 4.5. We ask for more, because some links are on tinted boxes.
const READABLE = 5;

/** An accent colour, and the colours derived from it. */
export interface Accent {
  /** The accent colour, as `#rrggbb`. */
  readonly colour: string;
  /** Black or white, whichever has more contrast on the accent colour, as `#rrggbb`. */
  readonly on: string;
  /** CSS rules that set all these colours as custom properties of the style sheet. */
  readonly rules: string;
}

/**
 * The colours derived from an accent colour.
 * @param accent `#rgb` or `#rrggbb`
 * @throws ConfigError when `accent` has another form
 */
export function accentOf(accent: string): Accent {
  const colour = parse(accent);
  const [onAccent, away] =
    contrast(colour, WHITE) >= contrast(colour, BLACK) ? [WHITE, BLACK] : [BLACK, WHITE];
  const light = hex(readable(colour, LIGHT_CARD, BLACK));
  const dark = hex(readable(colour, DARK_CARD, WHITE));
  const rules = `@layer theme {
  :root {
    --accent: ${hex(colour)};
    --accent-hover: ${hex(mix(colour, away, 0.14))};
    --on-accent: ${hex(onAccent)};
    --link: ${light};
  }
  @supports (color: light-dark(#000, #fff)) {
    :root { --link: light-dark(${light}, ${dark}); }
  }
}
`;
  return { colour: hex(colour), on: hex(onAccent), rules };
}

function parse(text: string): Rgb {
  const [, long, short] = /^#(?:([0-9a-f]{6})|([0-9a-f]{3}))$/i.exec(text) ?? [];
  const digits = long ?? short?.replace(/./g, '$&$&');
  if (digits === undefined) {
    throw new ConfigError([
      {
        option: 'accentColor',
        problem: 'must be a colour of the form #rrggbb.',
        remedy: 'Write #0f766e, for example.',
      },
    ]);
  }
  const value = Number.parseInt(digits, 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

function hex(colour: Rgb): string {
  return `#${colour.map((part) => part.toString(16).padStart(2, '0')).join('')}`;
}

/** The shade closest to the colour that is readable on the background. */
function readable(colour: Rgb, background: Rgb, towards: Rgb): Rgb {
  let share = 0;
  while (share < 1 && contrast(mix(colour, towards, share), background) < READABLE) share += 0.05;
  return mix(colour, towards, Math.min(share, 1));
}

function mix(from: Rgb, to: Rgb, share: number): Rgb {
  const part = (index: 0 | 1 | 2): number =>
    Math.round(from[index] + (to[index] - from[index]) * share);
  return [part(0), part(1), part(2)];
}

// The contrast ratio, as WCAG 2.2 defines it.
function contrast(a: Rgb, b: Rgb): number {
  const [lighter, darker] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number];
  return (lighter + 0.05) / (darker + 0.05);
}

function luminance(colour: Rgb): number {
  const [red, green, blue] = colour.map((part) =>
    part <= 10 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4,
  ) as [number, number, number];
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
