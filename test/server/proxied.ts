/** Reverse proxies for tests: the files of deploy/ with other ports, paths and names. */
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Program, watched } from '../processes.ts';
import { services } from '../services.ts';

/** What a proxy of a test listens on, and where it finds the server and its own files. */
export interface Front {
  readonly folder: string;
  readonly port: number;
  readonly plainPort: number;
  readonly upstream: number;
}

export const deployed = (name: string): string =>
  fileURLToPath(new URL(`../../deploy/${name}`, import.meta.url));

/** Makes a certificate of localhost in the folder. Returns it in PEM. */
export function makeCertificate(folder: string): string {
  const [cert, key] = [join(folder, 'fullchain.pem'), join(folder, 'privkey.pem')];
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  const name = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  const files = ['-out', cert, '-keyout', key];
  execFileSync('openssl', ['req', ...kind, ...name, '-days', '2', ...files], { stdio: 'ignore' });
  return readFileSync(cert, 'utf8');
}

/** The text of a file of deploy/, with parts replaced. Each part must be there. */
function changed(name: string, parts: readonly (readonly [from: string, to: string])[]): string {
  return parts.reduce(
    (text, [from, to]) => {
      if (!text.includes(from)) throw new Error(`${name} does not contain ${from}`);
      return text.replaceAll(from, to);
    },
    readFileSync(deployed(name), 'utf8'),
  );
}

function run(program: string, args: readonly string[], env: NodeJS.ProcessEnv): Program {
  const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  return watched(child);
}

export function startNginx({ folder, port, plainPort, upstream }: Front): Program {
  const site = changed('nginx.conf', [
    ['listen 443 ssl http2', `listen 127.0.0.1:${port} ssl http2`],
    ['listen 80', `listen 127.0.0.1:${plainPort}`],
    ['/etc/letsencrypt/live/id.example.com', folder],
    ['/var/log/nginx', folder],
    ['https://id.example.com$', `https://localhost:${port}$`],
    ['server_name id.example.com', 'server_name localhost'],
    ['127.0.0.1:4000', `127.0.0.1:${upstream}`],
  ]);
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  const paths = temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join('\n');
  // The workers of nginx would run as a user who cannot read the folder.
  const user = process.getuid?.() === 0 ? 'user root;\n' : '';
  const main = `${user}pid ${folder}/nginx.pid;\nevents {}\nhttp {\n${paths}\n${site}\n}\n`;
  writeFileSync(join(folder, 'nginx.conf'), main);
  const args = ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', 'stderr'];
  execFileSync(services.nginx ?? '', ['-t', '-q', ...args]);
  return run(services.nginx ?? '', [...args, '-g', 'daemon off;'], process.env);
}

export function startCaddy({ folder, port, plainPort, upstream }: Front): Program {
  const global = `{\n\tadmin off\n\thttp_port ${plainPort}\n\thttps_port ${port}\n}\n`;
  // The certificate of the test replaces the one that Caddy would fetch.
  const tls = `{$SITE} {\n\ttls ${folder}/fullchain.pem ${folder}/privkey.pem\n`;
  writeFileSync(join(folder, 'Caddyfile'), global + changed('Caddyfile', [['{$SITE} {\n', tls]]));
  mkdirSync(join(folder, 'home'));
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: join(folder, 'home'),
    SITE: 'localhost',
    UPSTREAM: `127.0.0.1:${upstream}`,
  };
  const args = ['--config', join(folder, 'Caddyfile'), '--adapter', 'caddyfile'];
  execFileSync(services.caddy ?? '', ['validate', ...args], { env, stdio: 'ignore' });
  return run(services.caddy ?? '', ['run', ...args], env);
}

/** `fetch` that trusts one certificate, and connects from an address. It follows no redirect. */
export function fetchTrusting(ca: string, localAddress?: string): typeof fetch {
  return async (input, init) => {
    const asked = new Request(input, init);
    const body = Buffer.from(await asked.arrayBuffer());
    const headers = Object.fromEntries(asked.headers);
    const from = localAddress === undefined ? {} : { localAddress };
    return await new Promise((resolve, reject) => {
      const { hostname, port, pathname, search } = new URL(asked.url);
      const sent = request(
        {
          ...{ host: '127.0.0.1', servername: hostname, port, path: pathname + search, ca },
          ...{ method: asked.method, ...from },
          headers: { ...headers, host: `${hostname}:${port}`, 'content-length': body.length },
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('error', reject);
          response.on('end', () => {
            const received = new Headers();
            for (let i = 0; i < response.rawHeaders.length; i += 2)
              received.append(response.rawHeaders[i] ?? '', response.rawHeaders[i + 1] ?? '');
            const status = response.statusCode ?? 0;
            const text = Buffer.concat(chunks).toString();
            const empty = [204, 304].includes(status);
            resolve(new Response(empty ? null : text, { status, headers: received }));
          });
        },
      );
      sent.on('error', reject);
      sent.end(body);
    });
  };
}
