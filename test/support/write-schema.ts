/** `npm run schema`: writes src/ledger/schema.sql from a database that the migrations have just made. */
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPostgres } from '../../src/embedded/index.ts';
import { migrate } from '../../src/ledger/index.ts';
import { dumpSchema } from './dump-schema.ts';

const folder = await mkdtemp(join(tmpdir(), 'headgate-schema-'));
await chmod(folder, 0o755);
const postgres = await startPostgres(folder);
await migrate(postgres.url);
await writeFile(new URL('../../src/ledger/schema.sql', import.meta.url), await dumpSchema(postgres.url));
await postgres.stop();
await rm(folder, { recursive: true, force: true });
