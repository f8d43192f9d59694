/** docs/settings.md: the settings of the standalone server. */
import { settingsTable } from 'valetkey/server';
import { GENERATED, type GeneratedPage } from './generated-page.ts';

export function settingsPage(): GeneratedPage {
  const rows = settingsTable().map(({ env, path, about, choices }) => {
    const values =
      choices === undefined ? '' : ` One of ${choices.map((one) => `\`${one}\``).join(', ')}.`;
    return `| \`${env}\` | \`${path}\` | ${about.replaceAll('|', '\\|')}${values} |`;
  });
  const text = `# Settings

${GENERATED}Settings of the standalone server and of the command line. Their sources, in order of precedence, are the command line, the environment and
the settings file: \`valetkey.config.json\` or \`valetkey.config.mjs\` in the working folder, or the file that \`--config\` or \`VALETKEY_CONFIG\`
names. A name with a dot is a member of an object in the file. For every variable there is one with \`_FILE\` appended that names a file with the
value. Durations are in seconds. Lists are separated by commas or spaces. A rate limit such as 5/900 allows 5 in 900 seconds.
\`valetkey doctor --settings\` prints this list, including the settings of your own features.

| in the environment | in the file | meaning |
| --- | --- | --- |
${rows.join('\n')}
`;
  return { path: 'docs/settings.md', text, problems: [], summary: `${rows.length} settings` };
}
