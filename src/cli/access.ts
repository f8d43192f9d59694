/**
 * `valetkey session`, `valetkey consent` and `valetkey token`: what people are signed in to, what
 * they allowed, and single tokens.
 */
import { text as readAll } from 'node:stream/consumers';
import type { Command } from 'commander';
import { globals, subjectOf, type Whose, withAssembly } from './command-context.ts';
import { say, table, time } from './output.ts';

export function session(program: Command): void {
  const group = program.command('session').description('look at and end sessions of people');
  ofPerson(group, 'list', 'list the sessions of a person').action(
    async (whose: Whose, command: Command) => {
      await withAssembly(command, async (assembly) => {
        const sub = await subjectOf(assembly, whose);
        const sessions = (await assembly.provider.subjects.sessions(sub)).map((one) => ({
          sid: one.sid,
          signed_in: one.authTime,
          last_used: one.seenAt,
          ends: one.expiresAt,
          methods: one.amr,
        }));
        const rows = sessions.map((one) => [
          one.sid,
          time(one.signed_in),
          time(one.last_used),
          time(one.ends),
          one.methods.join(' '),
        ]);
        const text = table([['SID', 'SIGNED IN', 'LAST USED', 'ENDS', 'BY'], ...rows]);
        say(globals(command).json, { sub, sessions }, rows.length === 0 ? 'No sessions.' : text);
      });
    },
  );
  ofPerson(group, 'end', 'end a session, or all of a person with their tokens')
    .option('--sid <sid>', 'the session (default: all sessions, codes and tokens)')
    .action(async ({ sid, ...whose }: Whose & { readonly sid?: string }, command: Command) => {
      await withAssembly(command, async (assembly) => {
        const { subjects } = assembly.provider;
        const sub = await subjectOf(assembly, whose);
        if (sid === undefined) await subjects.revoke(sub);
        else if (!(await subjects.endSession(sub, sid)))
          throw new Error(`There is no session ${sid} of this person. See: valetkey session list`);
        const text =
          sid === undefined ? 'All sessions and tokens have ended.' : `${sid} has ended.`;
        say(globals(command).json, { sub, ended: sid ?? 'all' }, text);
      });
    });
}

export function consent(program: Command): void {
  const group = program.command('consent').description('look at and withdraw what people allowed');
  ofPerson(group, 'list', 'list what a person allowed, to which application').action(
    async (whose: Whose, command: Command) => {
      await withAssembly(command, async (assembly) => {
        const sub = await subjectOf(assembly, whose);
        const consents = (await assembly.provider.subjects.consents(sub)).map((one) => ({
          client_id: one.clientId,
          scope: one.scopes.join(' '),
          since: one.createdAt,
          changed: one.updatedAt,
        }));
        const rows = consents.map((one) => [
          one.client_id,
          one.scope || '– (an application of the operator)',
          time(one.since),
        ]);
        const text = table([['CLIENT ID', 'SCOPES', 'SINCE'], ...rows]);
        say(globals(command).json, { sub, consents }, rows.length === 0 ? 'No consents.' : text);
      });
    },
  );
  ofPerson(group, 'revoke', 'withdraw what a person allowed an application, with its tokens')
    .requiredOption('--client-id <text>', 'client_id of the application (required)')
    .action(
      async ({ clientId, ...whose }: Whose & { readonly clientId: string }, command: Command) => {
        await withAssembly(command, async (assembly) => {
          const sub = await subjectOf(assembly, whose);
          if (!(await assembly.provider.subjects.withdraw(sub, clientId)))
            throw new Error(`This person allowed ${clientId} nothing. See: valetkey consent list`);
          const text = `What was allowed to ${clientId} is withdrawn; its tokens have ended.`;
          say(globals(command).json, { sub, withdrawn: clientId }, text);
        });
      },
    );
}

export function token(program: Command): void {
  const group = program.command('token').description('look at and revoke one token');
  const about = 'the token, or - to read it from standard input, which no list of processes shows';
  group
    .command('inspect')
    .description('tell what a token is worth now')
    .argument('<token>', about)
    .action(async (given: string, _options: object, command: Command) => {
      await withAssembly(command, async ({ provider }) => {
        const found = await provider.tokens.inspect(await tokenFrom(given));
        if (found === null)
          throw new Error('This is no access or refresh token of this server, or it has ended.');
        const rows = [
          ['Kind', found.kind],
          ['State', found.state],
          ['Application', found.clientId],
          ['Subject', found.sub ?? '– (the application itself)'],
          ['Scopes', found.scopes.join(' ') || 'none'],
          ['Issued', time(found.issuedAt)],
          ['Ends', time(found.expiresAt)],
        ];
        say(globals(command).json, found, table(rows));
      });
    });
  group
    .command('revoke')
    .description('end a token, and all that descend from the same sign-in')
    .argument('<token>', about)
    .action(async (given: string, _options: object, command: Command) => {
      await withAssembly(command, async ({ provider }) => {
        if (!(await provider.tokens.revoke(await tokenFrom(given))))
          throw new Error('This is no token of this server, or it has ended already.');
        say(globals(command).json, { revoked: true }, 'The token has ended.');
      });
    });
}

function ofPerson(group: Command, name: string, about: string): Command {
  return group
    .command(name)
    .description(about)
    .option('--username <name>', 'username of the person')
    .option('--sub <text>', 'subject of the person, instead of the username');
}

async function tokenFrom(given: string): Promise<string> {
  return (given === '-' ? await readAll(process.stdin) : given).trim();
}
