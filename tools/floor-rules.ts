/**
 * The floors as data, and the rules for them as a pure function over modules: a module imports only
 * from lower floors, no feature imports another feature, and the ring imports the core only by its
 * public name. `floors.ts` reads the files and prints the result.
 */

/** One file of src/. */
export interface Module {
  /** Path relative to src/. */
  readonly path: string;
  readonly lines: number;
  /** Numbers of the lines whose comments are longer than `LONGEST_COMMENT`. */
  readonly longComments: readonly number[];
  /** Specifiers as written: './a.ts', 'jose', 'valetkey/sql'. Imports of types are included. */
  readonly imports: readonly string[];
  /** Names of `WATCHED` expressions in the code, comments excluded. */
  readonly uses: readonly string[];
}

interface Floor {
  readonly level: number;
  /** Folders that it may import from, besides itself. '' is the root of src/. */
  readonly below: readonly string[];
  /** Packages and `node:` modules that it may import. */
  readonly packages: readonly string[];
  /** Its subfolders must not import each other. */
  readonly apart?: true;
  /** Names of `WATCHED` expressions that it must not use. */
  readonly never: readonly string[];
}

/** Expressions that a floor can be forbidden to use. */
export const WATCHED: Readonly<Record<string, RegExp>> = {
  'the clock': /\bDate\.now\(|\bnew Date\(\)|\bperformance\.now\(/,
  randomness: /\bMath\.random\(|\bgetRandomValues\(|\brandomUUID\(|\brandomBytes\(/,
  // Not the name of the type under which a pool of a host is public.
  'names of databases': /sqlite|postgres|mysql(?!-?pool)|mariadb/i,
  // A method of that name belongs to something else.
  'requests to others':
    /['"]undici['"]|\bawait fetch\(|\bglobalThis\.fetch\b|\{[^}]*\b(request|get)\b[^}]*\} from 'node:https?'/,
  Response: /\bnew Response\(|\bResponse\.(json|redirect|error)\(/,
};

const WORDS = ['protocol'];
const RULES = [...WORDS, 'crypto', 'store', 'domain'];

export const FLOORS: Readonly<Record<string, Floor>> = {
  protocol: { level: 0, below: [], packages: [], never: ['the clock', 'randomness', 'Response'] },
  crypto: {
    level: 1,
    below: WORDS,
    packages: ['jose', 'node:crypto'],
    never: ['the clock', 'Response'],
  },
  store: { level: 1, below: WORDS, packages: [], never: ['the clock', 'randomness', 'Response'] },
  domain: {
    level: 2,
    below: [...WORDS, 'crypto', 'store'],
    packages: ['ipaddr.js', 'lru-cache', 'jose'],
    never: ['the clock', 'randomness', 'Response'],
  },
  web: {
    level: 3,
    below: RULES,
    packages: ['cookie', 'ipaddr.js', 'lru-cache', 'node:dns', 'node:net', 'undici'],
    never: ['the clock', 'randomness'],
  },
  engine: {
    level: 4,
    below: [...RULES, 'web'],
    packages: ['fastest-levenshtein'],
    never: ['the clock', 'randomness', 'Response'],
  },
  features: {
    level: 5,
    below: [...RULES, 'web', 'engine'],
    packages: ['hono'],
    apart: true,
    never: ['the clock', 'randomness', 'Response'],
  },
  // The root puts the parts together. It defines the default clock.
  '': {
    level: 6,
    below: [...RULES, 'web', 'engine', 'features'],
    packages: ['jose', 'node:crypto'],
    never: [],
  },
};

export const RING = ['http', 'resource', 'sql', 'accounts', 'pages', 'server', 'cli', 'testing'];
/** Ring folders that may import other ring parts, by their public names. */
const ASSEMBLERS = ['resource', 'server', 'cli', 'testing'];

const MOST_LINES = 400;
/** Longest comment line, in columns. The formatter wraps code at this column, but no comments. */
export const LONGEST_COMMENT = 100;
const FORBIDDEN_NAMES = [
  'utils',
  'util',
  'helpers',
  'helper',
  'common',
  'base',
  'misc',
  'shared',
  'lib',
];
const OWN_NAME = /^valetkey($|\/)/;

/**
 * Every broken rule, as one sentence each.
 * @param architecture the text of docs/ARCHITECTURE.md
 */
export function problemsOf(modules: readonly Module[], architecture: string): string[] {
  const known = new Set(modules.map((module) => module.path));
  return [
    ...(modules.length === 0 ? ['no modules were found under src/: nothing was checked'] : []),
    ...modules.flatMap((module) => [
      ...nameProblems(module),
      ...sizeProblems(module),
      ...(describes(architecture, module.path)
        ? []
        : [`${module.path}: docs/ARCHITECTURE.md does not name this file`]),
      ...module.imports.flatMap((specifier) => importProblems(module.path, specifier, known)),
      ...wordProblems(module),
    ]),
    ...cycles(modules).map((cycle) => `import cycle: ${cycle.join(' → ')}`),
  ];
}

/** Files and comments that are too long. It holds for every file, tests and tools included. */
export function sizeProblems({
  path,
  lines,
  longComments,
}: Pick<Module, 'path' | 'lines' | 'longComments'>): string[] {
  return [
    ...(lines > MOST_LINES ? [`${path}: ${lines} lines, at most ${MOST_LINES}`] : []),
    ...longComments.map(
      (line) => `${path}:${line}: a comment of more than ${LONGEST_COMMENT} columns`,
    ),
  ];
}

export function folderOf(path: string): string {
  return path.includes('/') ? path.slice(0, path.indexOf('/')) : '';
}

/** The path relative to src/ that a relative specifier means; it may lead outside, as '../…'. */
export function resolveFrom(importer: string, specifier: string): string {
  const parts = importer.split('/').slice(0, -1);
  for (const part of specifier.split('/')) {
    if (part === '.') continue;
    if (part === '..' && parts.length > 0 && parts.at(-1) !== '..') parts.pop();
    else parts.push(part);
  }
  return parts.join('/');
}

function nameProblems({ path }: Module): string[] {
  const folder = folderOf(path);
  const parts = path.replace(/\.ts$/, '').split('/');
  const bad = parts.filter((part) => FORBIDDEN_NAMES.includes(part));
  return [
    ...bad.map((part) => `${path}: the name "${part}" does not say what the code does`),
    ...(folder in FLOORS || RING.includes(folder)
      ? []
      : [`${path}: tools/floor-rules.ts does not list the folder ${folder}/`]),
  ];
}

/** Where the kinds of database differ, and the table that tells operators what they may write. */
const KNOWS_DATABASES = /^(sql\/dialects\/|server\/settings-table\.ts$)/;

/**
 * The one guarded client, the calls of an API to its authorization server, whose address its
 * operator wrote, and the browser of tests, whose fetch is the provider.
 */
const FETCHES = /^(web\/outbound\.ts$|resource\/fetch-json\.ts$|testing\/)/;

function wordProblems({ path, uses }: Module): string[] {
  const never = [
    ...(FLOORS[folderOf(path)]?.never ?? []),
    ...(KNOWS_DATABASES.test(path) ? [] : ['names of databases']),
    ...(FETCHES.test(path) ? [] : ['requests to others']),
  ];
  return uses
    .filter((word) => never.includes(word))
    .map((word) => `${path}: uses ${word}, which its floor must not use`);
}

function importProblems(importer: string, specifier: string, known: ReadonlySet<string>): string[] {
  const why = RING.includes(folderOf(importer))
    ? ringProblem(importer, specifier, known)
    : coreProblem(importer, specifier, known);
  return why === null ? [] : [`${importer}: imports '${specifier}': ${why}`];
}

function ringProblem(
  importer: string,
  specifier: string,
  known: ReadonlySet<string>,
): string | null {
  const folder = folderOf(importer);
  if (specifier.startsWith('.')) {
    const target = resolveFrom(importer, specifier);
    if (folderOf(target) !== folder)
      return "the ring must import by public name outside its folder: 'valetkey' or 'valetkey/…'";
    return known.has(target) ? null : 'the file does not exist';
  }
  if (!OWN_NAME.test(specifier) || specifier === 'valetkey') return null;
  return ASSEMBLERS.includes(folder)
    ? null
    : `only ${ASSEMBLERS.join(', ')} may use other ring parts`;
}

function coreProblem(
  importer: string,
  specifier: string,
  known: ReadonlySet<string>,
): string | null {
  const folder = folderOf(importer);
  const floor = FLOORS[folder];
  // `nameProblems` already reports an unknown folder.
  if (floor === undefined) return null;
  if (OWN_NAME.test(specifier)) return 'the core must not import itself by name';
  if (!specifier.startsWith('.')) {
    const allowed = floor.packages.some(
      (name) => specifier === name || specifier.startsWith(`${name}/`),
    );
    return allowed
      ? null
      : `this floor may import ${floor.packages.join(', ') || 'no package at all'}`;
  }
  const target = resolveFrom(importer, specifier);
  if (!known.has(target)) return 'the file does not exist';
  const below = folderOf(target);
  if (below === folder) return siblingProblem(floor, importer, target);
  if (RING.includes(below)) return 'the core must not import the ring';
  return floor.below.includes(below)
    ? null
    : `${folder || 'the root'} may import ${floor.below.join(', ') || 'only itself'}`;
}

function siblingProblem({ apart }: Floor, importer: string, target: string): string | null {
  const [here, there] = [importer, target].map((path) => path.split('/')[1]);
  return apart === true && here !== there
    ? `${here} and ${there} must not import each other`
    : null;
}

/** The files of each feature, by the folder of the feature. */
export function featuresOf(modules: readonly Module[]): ReadonlyMap<string, readonly string[]> {
  const features = new Map<string, string[]>();
  for (const { path } of modules) {
    const [folder, feature, ...rest] = path.split('/');
    if (folder !== 'features' || feature === undefined) continue;
    features.set(feature, [...(features.get(feature) ?? []), rest.join('/')]);
  }
  return features;
}

/**
 * True when the text names the file by path (`protocol/errors.ts`), or as `errors` in a section
 * whose heading names `protocol/`.
 */
function describes(architecture: string, path: string): boolean {
  if (path.includes('/') ? architecture.includes(path) : architecture.includes(`\`${path}\``))
    return true;
  const folder = path.slice(0, path.lastIndexOf('/') + 1);
  const name = path.slice(folder.length).replace(/\.ts$/, '');
  const asWord = new RegExp(`(?<![\\w/-])${name}(\\.ts)?(?![\\w/-])`);
  const sections = architecture.split(/^(?=#{1,6} )/m);
  return (
    folder !== '' &&
    sections.some((section) => heading(section).includes(folder) && asWord.test(body(section)))
  );
}

function heading(section: string): string {
  return section.slice(0, section.indexOf('\n') + 1);
}

function body(section: string): string {
  return section.slice(section.indexOf('\n') + 1);
}

/** Each import cycle once, beginning with its first file in alphabetical order. */
export function cycles(modules: readonly Module[]): string[][] {
  const targets = new Map(
    modules.map(({ path, imports }) => [path, relativeTargets(path, imports)]),
  );
  const done = new Set<string>();
  const found = new Map<string, string[]>();
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start >= 0) {
      const cycle = fromFirst(trail.slice(start));
      found.set(cycle.join(), [...cycle, cycle[0] ?? path]);
      return;
    }
    if (done.has(path)) return;
    for (const target of targets.get(path) ?? []) visit(target, [...trail, path]);
    done.add(path);
  };
  for (const path of [...targets.keys()].sort()) visit(path, []);
  return [...found.values()];
}

function relativeTargets(path: string, imports: readonly string[]): string[] {
  return imports
    .filter((specifier) => specifier.startsWith('.'))
    .map((specifier) => resolveFrom(path, specifier));
}

function fromFirst(cycle: readonly string[]): string[] {
  const first = cycle.indexOf([...cycle].sort()[0] ?? '');
  return [...cycle.slice(first), ...cycle.slice(0, first)];
}
