/**
 * docs/events.md: every event with what it tells. Each event needs a place that reports it, a place
 * in the union that hosts write against, and a test that names it.
 */
import { readFileSync } from 'node:fs';
import ts from 'typescript';
import { CORE_EVENTS, type EventDefinition, type EventField } from 'valetkey';
import { BUILT_IN_FEATURES } from '../src/features.ts';
import { GENERATED, type GeneratedPage } from './generated-page.ts';
import { filesUnder } from './tree.ts';

/** The areas in their order, with the first words of the names of their events. */
const AREAS: readonly (readonly [title: string, about: readonly string[]])[] = [
  ['Signing in and out', ['login', 'session', 'logout']],
  ['What people allow', ['authorization']],
  ['Tokens', ['tokens', 'token', 'code', 'refresh_token']],
  ['Refusals', ['client_authentication', 'request']],
  ['People', ['subject']],
  ['Applications', ['client', 'initial_access_token', 'delivery']],
  ['Keys', ['keys']],
  ['APIs', ['resource']],
];

const INTRO = `Hosts hear an event as it happens, and the audit log keeps it. No event carries a secret. Each has:

| member | meaning |
| --- | --- |
| \`type\` | its name, as below |
| \`id\`, \`at\` | a random identifier; when it happened, in seconds |
| \`sub\`, \`clientId\` | the person and the application that it concerns; null where it concerns none, or they are not known |
| \`reason\` | why it happened: the reason of a refusal ([reasons](reasons.md)), or what an operator said |
| \`ip\`, \`requestId\` | address and id of the request that caused it; null without one |
| \`detail\` | what else it tells; every member is always there |

† marks events that strangers can cause in any number: the listener hears each, and the audit log has a
row only where the sentence says so, or within a limit.
`;

const LISTENING = `## Listening

\`\`\`ts
import { createProvider, isEvent } from 'valetkey';

const provider = createProvider({
  // …
  onEvent(event) {
    // What app_authorized is in Django OAuth Toolkit.
    if (event.type === 'tokens.issued')
      console.log(event.clientId, event.sub, event.detail.grant_type, event.detail.scope);
    // An event of a feature of your own, by its definition.
    if (isEvent(event, carTaken)) console.log(event.detail.car);
  },
});
\`\`\`

The compiler knows the \`detail\` of every event, and finds a misspelt name. The listener runs in the process that caused the event, before the
response leaves, so keep it short and start long work without awaiting it. What it throws is logged and stops nothing. A promise that it returns
is not awaited: handle its failures yourself.

A feature of your own declares its events in \`events\` (\`defineEvent\`, as \`examples/feature.ts\` does), and reports them with
\`ctx.events.record(carTaken, { … })\`; \`notify\` tells the listener alone, for what strangers can cause in any number; \`act\` writes the row in
the transaction of the act. It may report the events of the core as well, which \`valetkey\` exports by name.

## Reading the audit log

\`\`\`
npx valetkey audit --client web --since 1h
npx valetkey audit --type tokens.issued --follow
npx valetkey audit --username alice --json
npx valetkey explain <request-id> --log server.log
\`\`\`

\`provider.store.audit.list({ limit, type, clientId, sub })\` reads it in a program, the newest first. Rows of acts (revocations, changes by
operators) are written in the transaction of the act; all others within a second, and \`provider.close()\` writes what waits. Rows are kept for
\`lifetimes.audit\`.
`;

export function eventsPage(program: ts.Program): GeneratedPage {
  const events = [
    ...CORE_EVENTS,
    ...BUILT_IN_FEATURES.flatMap((feature) => feature().contribute().events ?? []),
  ];
  const areas = AREAS.map(([title, about]) => {
    const rows = events.filter(({ name }) => about.includes(areaOf(name))).map(rowOf);
    return `## ${title}\n\n| event | when | concerns | detail |\n| --- | --- | --- | --- |\n${rows.join('\n')}\n`;
  });
  return {
    path: 'docs/events.md',
    text: [`# Events\n\n${GENERATED}${INTRO}`, ...areas, LISTENING].join('\n'),
    problems: problemsOf(events, program),
    summary: `${events.length} events`,
  };
}

function areaOf(name: string): string {
  return name.split('.')[0] ?? '';
}

function rowOf({ name, description, detail = {}, stored, ...about }: EventDefinition): string {
  const concerns = Object.entries({
    sub: about.sub,
    clientId: about.client,
    reason: about.reason,
  }).flatMap(([member, told]) =>
    told === undefined ? [] : [`\`${member}\`${told === 'always' ? '' : ' or null'}`],
  );
  const fields = Object.entries(detail).map(([field, facts]) => fieldText(field, facts));
  const mark = stored === undefined ? '' : ' †';
  return `| \`${name}\`${mark} | ${description} | ${concerns.join(', ')} | ${fields.join('<br>')} |`;
}

function fieldText(name: string, { kind, description, choices, nullable }: EventField): string {
  const values = choices?.map((one) => `\`${one}\``).join(', ') ?? kind;
  return `\`${name}\` (${values}${nullable === true ? ' or null' : ''}): ${description}`;
}

function problemsOf(events: readonly EventDefinition[], program: ts.Program): readonly string[] {
  const declared = new Set(events.map(({ name }) => name));
  const heard = heardNames(program);
  const reported = reportedNames(program);
  const tests = filesUnder('test', '.ts').map((file) => readFileSync(file, 'utf8'));
  const placed = AREAS.flatMap(([, about]) => about);
  const without = (test: (name: string) => boolean, problem: string): readonly string[] =>
    [...declared].filter((name) => !test(name)).map((name) => `the event ${name} ${problem}`);
  return [
    ...without((name) => placed.includes(areaOf(name)), 'has no area in tools/events-page.ts'),
    ...without((name) => heard.has(name), 'is not in ProviderEvent: see FeatureEvent in features'),
    ...without((name) => reported.has(name), 'is never reported'),
    ...without((name) => tests.some((text) => text.includes(`'${name}'`)), 'is named by no test'),
    ...[...heard, ...reported]
      .filter((name) => !declared.has(name))
      .map((name) => `the event ${name} is declared by no feature`),
  ];
}

/** The names in the union of events that hosts hear. */
function heardNames(program: ts.Program): ReadonlySet<string> {
  const checker = program.getTypeChecker();
  const source = sourceNamed(program, 'src/provider-event.ts');
  const alias = source.statements.find(
    (one): one is ts.TypeAliasDeclaration =>
      ts.isTypeAliasDeclaration(one) && one.name.text === 'BuiltInEvent',
  );
  if (alias === undefined) throw new Error('There is no type BuiltInEvent.');
  return new Set(memberTexts(checker, checker.getTypeAtLocation(alias.name), 'type', alias));
}

/** The names of all events that some line of src/ reports. */
function reportedNames(program: ts.Program): ReadonlySet<string> {
  const checker = program.getTypeChecker();
  const names = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && isReport(checker, node)) {
      const [event] = node.arguments;
      if (event !== undefined)
        for (const name of memberTexts(checker, checker.getTypeAtLocation(event), 'name', event))
          names.add(name);
    }
    ts.forEachChild(node, visit);
  };
  for (const file of filesUnder('src', '.ts')) visit(sourceNamed(program, file));
  return names;
}

function isReport(checker: ts.TypeChecker, { expression }: ts.CallExpression): boolean {
  if (!ts.isPropertyAccessExpression(expression)) return false;
  if (!['record', 'act', 'notify'].includes(expression.name.text)) return false;
  return checker.getTypeAtLocation(expression.expression).getSymbol()?.name === 'Events';
}

/** The literal texts that a member of a type, or of the members of a union, can be. */
function memberTexts(
  checker: ts.TypeChecker,
  type: ts.Type,
  member: string,
  at: ts.Node,
): readonly string[] {
  return (type.isUnion() ? type.types : [type]).flatMap((one) => {
    const symbol = one.getProperty(member);
    const found = symbol && checker.getTypeOfSymbolAtLocation(symbol, at);
    return found?.isStringLiteral() === true ? [found.value] : [];
  });
}

function sourceNamed(program: ts.Program, file: string): ts.SourceFile {
  const source = program.getSourceFiles().find(({ fileName }) => fileName.endsWith(file));
  if (source === undefined) throw new Error(`${file} is not in the program.`);
  return source;
}
