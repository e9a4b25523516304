/** What may come next on a command line, for the completion of shells. Pure; names of the registry come with it. */
import type { Argument, Command, Option } from 'commander';
import { isHidden } from './guide.ts';

export interface Candidate {
  value: string;
  what: string;
}

/** What headgate.yaml has, by the name that options and arguments give it. */
export type RegistryNames = Readonly<Record<'audiences' | 'destinations' | 'sources' | 'exporters' | 'actions', readonly string[]>>;

/** Options and arguments whose values are names of the registry. */
const NAMES_OF: Readonly<Record<string, readonly (keyof RegistryNames)[]>> = {
  '--audience': ['audiences'],
  '--destination': ['destinations', 'exporters'],
  '--target': ['destinations'],
  '--source': ['sources'],
  '--action': ['actions'],
  audience: ['audiences'],
  exporter: ['exporters'],
  destination: ['destinations'],
};

/** @param words behind `headgate`; the last is the one that is being typed, perhaps empty */
export function complete(program: Command, words: readonly string[], names: RegistryNames): Candidate[] {
  const typed = words.at(-1) ?? '';
  const before = words.slice(0, -1);
  let command = program;
  let given: string[] = [];
  let waiting: Option | undefined;
  for (const word of before) {
    const option = findOption(command, word.split('=')[0] ?? '');
    const sub = waiting === undefined ? command.commands.find((one) => one.name() === word) : undefined;
    if (sub && given.length === 0) {
      command = sub;
      given = [];
      waiting = undefined;
    } else if (option) waiting = takesValue(option) && !word.includes('=') ? option : undefined;
    else if (waiting) waiting = waiting.variadic ? waiting : undefined;
    else given.push(word);
  }
  const fits = ({ value }: Candidate): boolean => value.startsWith(typed);
  const [name, ...rest] = typed.split('=');
  const assigned = typed.startsWith('--') && rest.length > 0 ? findOption(command, name ?? '') : undefined;
  if (assigned) return valuesOf(assigned, names).map(({ value, what }) => ({ value: `${name ?? ''}=${value}`, what })).filter(fits);
  if (waiting && !typed.startsWith('-')) return valuesOf(waiting, names).filter(fits);
  if (typed.startsWith('-')) return optionsOf(command, before).filter(fits);
  const argument = command.registeredArguments[given.length] ?? command.registeredArguments.findLast(({ variadic }) => variadic);
  const subcommands = given.length > 0 ? [] : command.commands.filter((one) => !isHidden(one)).map((one) => ({ value: one.name(), what: firstSentence(one.description()) }));
  return [...subcommands, ...(argument ? valuesOf(argument, names, command) : [])].filter(fits);
}

const findOption = (command: Command, word: string): Option | undefined => command.options.find(({ long, short }) => word !== '' && (long === word || short === word));

const takesValue = ({ required, optional }: Option): boolean => required || optional;

/** Those that may be given again, and those that are not there yet. */
const optionsOf = (command: Command, before: readonly string[]): Candidate[] =>
  [...command.options, { long: '--help', description: 'print the help', variadic: false, hidden: false, parseArg: undefined }]
    .filter(({ long, variadic, hidden, parseArg }) => !hidden && (variadic || parseArg !== undefined || !before.includes(long ?? '')))
    .map(({ long, description }) => ({ value: long ?? '', what: firstSentence(description) }));

function valuesOf(given: Option | Argument, names: RegistryNames, command?: Command): Candidate[] {
  if (given.argChoices) return given.argChoices.map((value) => ({ value, what: '' }));
  const known = 'long' in given ? NAMES_OF[given.long ?? ''] : NAMES_OF[given.name() === 'key' ? keyOf(command) : given.name()];
  return (known ?? []).flatMap((kind) => names[kind].map((value) => ({ value, what: kind.slice(0, -1) })));
}

/** `<key>` is that of what the command is about. */
const keyOf = (command: Command | undefined): string => (command?.name() === 'action' || command?.parent?.name() === 'action' ? '--action' : 'audience');

const firstSentence = (text: string): string => (/^.*?[.;:](?= |$)/.exec(text)?.[0] ?? text).replace(/[.;:]$/, '');
