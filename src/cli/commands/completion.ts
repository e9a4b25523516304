/** `headgate completion`: the script for a shell. `headgate complete`: what it asks at each press of the tab key. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Argument, type Command } from 'commander';
import { parse } from 'yaml';
import { readEnvironment } from '../../config/environment.ts';
import { findRegistry } from '../../config/find-registry.ts';
import { answer } from '../answer.ts';
import { complete, type RegistryNames } from '../complete.ts';
import { completionScript, SHELLS, type Shell } from '../completion-scripts.ts';

const BIN = fileURLToPath(new URL('../../../bin/headgate.js', import.meta.url));
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

const HELP = `
It completes commands, options and the names of your headgate.yaml: audiences, destinations, sources, exporters. Where Headgate is not
installed as a command of its own, make one first: alias headgate="npx headgate".`;

export function addCompletionCommands(program: Command): void {
  program
    .command('completion')
    .description('Print what your shell needs to complete this command.')
    .addArgument(new Argument('<shell>', 'of yours').choices(SHELLS))
    .option('--json', 'print JSON')
    .addHelpText('after', HELP)
    .action((shell: Shell, { json }: { json?: boolean }) => {
      const script = completionScript[shell](`${quoted(process.execPath)} ${quoted(BIN)}`);
      if (json) answer(json, { shell, script }, () => script);
      else process.stdout.write(script);
    });
  program
    .command('complete', { hidden: true })
    .argument('[words...]')
    .option('--json', 'print JSON')
    .action(async (words: string[], { json }: { json?: boolean }) => {
      const candidates = complete(program, words, await registryNames());
      answer(json, candidates, () => candidates.map(({ value, what }) => `${value}\t${what}`).join('\n'));
    });
}

const NOTHING: RegistryNames = { audiences: [], destinations: [], sources: [], exporters: [], actions: [] };

/** Without its secrets, which a shell that completes need not have, and whatever is wrong with it. */
async function registryNames(): Promise<RegistryNames> {
  try {
    const given: unknown = parse(await readFile(findRegistry(readEnvironment()).path, 'utf8'));
    const sections = typeof given === 'object' && given !== null ? (given as Record<string, unknown>) : {};
    const named = Object.keys(NOTHING).map((kind) => [kind, typeof sections[kind] === 'object' && sections[kind] !== null ? Object.keys(sections[kind]) : []]);
    return Object.fromEntries(named) as RegistryNames;
  } catch {
    return NOTHING;
  }
}
