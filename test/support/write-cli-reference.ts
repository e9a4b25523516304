/** `npm run cli-reference`: writes docs/cli.md from the commands. */
import { writeFile } from 'node:fs/promises';
import { createProgram } from '../../src/cli/main.ts';
import { describeCommands } from '../../src/cli/reference.ts';

await writeFile(new URL('../../docs/cli.md', import.meta.url), describeCommands(createProgram()));
