/** `npm run conformance:server`: starts the provider for the certification suite. */
import { parseArgs } from 'node:util';
import { pidFile, startConformance } from './conformance-server.ts';
import { PASSWORD, USERNAME } from './person.ts';

const { values } = parseArgs({
  options: {
    issuer: { type: 'string', default: 'https://localhost:9443' },
    folder: { type: 'string', default: './conformance-data' },
    suite: { type: 'string', multiple: true, default: ['https://localhost.emobix.co.uk:8443'] },
    'redirect-uri': { type: 'string', multiple: true, default: [] },
  },
});

const { issuer, folder, suite } = values;
const server = await startConformance({
  issuer,
  folder,
  suite,
  redirectUris: values['redirect-uri'],
});
const { keys } = server.assembly.provider;
const pid = pidFile(folder);
pid.write();
process.on('SIGUSR2', () => {
  void keys.rotate({ immediate: true }).then(() => console.log('rotated: new keys sign now'));
});
const stop = (): void => {
  pid.remove();
  void server.close().then(() => process.exit(0));
};
process.on('SIGINT', stop);
process.on('SIGTERM', stop);

console.log(`Discovery  ${issuer}/.well-known/openid-configuration`);
console.log(`Person     ${USERNAME} / ${PASSWORD}`);
console.log(`Authority  ${server.caFile}`);
for (const { clientId, clientSecret } of server.clients)
  console.log(`Client     ${clientId} / ${clientSecret}`);
console.log('Rotate     npm run conformance:rotate');
