/** docs/cli.md, made of the tree of commands: `npm run cli-reference` writes it, and a test tells when it is old. */
import type { Command } from 'commander';
import { EXIT_MEANINGS } from './exit-codes.ts';
import { commandsOf, ENVIRONMENT, EXAMPLES, groupOf, type PlacedCommand } from './guide.ts';

const INTRODUCTION = `# The command line

\`npx headgate …\` (or \`headgate …\`, with \`alias headgate="npx headgate"\`). This page is made of the commands themselves, by \`npm run cli-reference\`; \`npx headgate <command> --help\` says the same.

- What is asked for stands on standard output, everything else (progress, warnings, errors) on standard error. Progress is shown on a terminal only.
- \`--json\`: one JSON value on standard output (\`identifiers\`, \`quarantine replay\` and \`quarantine discard\`: one a line), and errors as \`{"problem": "…"}\` on standard error.
- Times are ISO 8601, Unix seconds, or a time back such as \`-7d\`, \`-2h\`.
- Tokens come from the environment only: a command line can be read by others on the machine.`;

export function describeCommands(program: Command): string {
  const commands = commandsOf(program).filter(({ command }) => command.name() !== 'help');
  const headings = [...new Set(commands.map(({ path }) => groupOf(path.split(' ')[0] ?? '')))];
  return [
    INTRODUCTION,
    rows(['exit status', 'meaning'], Object.entries(EXIT_MEANINGS)),
    rows(['variable', ''], ENVIRONMENT.map(([name, what]) => [`\`${name}\``, what])),
    ...headings.flatMap((heading) => [`## ${heading}`, ...commands.filter(({ path }) => groupOf(path.split(' ')[0] ?? '') === heading).map(describeCommand)]),
    '',
  ].join('\n\n').trimEnd() + '\n';
}

function describeCommand({ path, command }: PlacedCommand): string {
  const help = command.createHelp();
  const parts = [`### \`headgate ${path}\``, command.description()];
  if (command.commands.length > 0 && command.registeredArguments.length === 0 && command.options.length === 0) return [...parts, `\`headgate ${path} ${command.commands.map((one) => one.name()).join(' | ')}\``].join('\n\n');
  const given = [
    ...command.registeredArguments.map((argument) => [`\`${argument.required ? '<' : '['}${argument.name()}${argument.variadic ? '…' : ''}${argument.required ? '>' : ']'}\``, help.argumentDescription(argument)]),
    // Whoever makes this page is the default of --by.
    ...command.options.map((option) => [`\`${option.flags}\`${option.mandatory ? ' (required)' : ''}`, option.long === '--by' ? option.description : help.optionDescription(option)]),
  ];
  const examples = EXAMPLES[path] ?? [];
  return [
    ...parts,
    ...(examples.length === 0 ? [] : [`\`\`\`sh\n${examples.map(([typed, what]) => `# ${what}\nnpx headgate ${typed}`).join('\n')}\n\`\`\``]),
    rows(['', ''], given),
  ].join('\n\n');
}

const rows = (head: readonly string[], given: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...given].map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`).join('\n');
