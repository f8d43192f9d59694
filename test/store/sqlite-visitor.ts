/** A process that opens an SQLite file, reads from it and closes it. */
import { sqlDatabase } from 'valetkey/sql';

const database = sqlDatabase({ url: `sqlite:${process.argv[2]}` });
await database.check();
await database.close();
