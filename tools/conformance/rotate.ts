/** `npm run conformance:rotate`: has the running provider sign with new keys. */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { pidFile } from './conformance-server.ts';

const { values } = parseArgs({
  options: { folder: { type: 'string', default: './conformance-data' } },
});
process.kill(Number(readFileSync(pidFile(values.folder).path, 'utf8')), 'SIGUSR2');
