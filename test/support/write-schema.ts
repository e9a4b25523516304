/** `npm run schema`: writes src/ledger/schema.sql from a database that the migrations have just made. */
import { writeFile } from 'node:fs/promises';
import { makeSchema } from './make-schema.ts';

await writeFile(new URL('../../src/ledger/schema.sql', import.meta.url), await makeSchema());
