/** Help that teaches: what one wants to do, and how it is typed. One entry for a new command; a test tells which one has none. */
import type { Command } from 'commander';
import { VERSION } from '../version.ts';
import { EXIT_MEANINGS } from './exit-codes.ts';

/** What one wants to do, and with which commands. */
const GROUPS: readonly (readonly [heading: string, commands: readonly string[]])[] = [
  ['Try it on this machine', ['start', 'send']],
  ['See what happened, and why', ['event', 'person', 'audience', 'audiences']],
  ['Find what is wrong', ['check', 'quarantine', 'stuck', 'drift', 'alerts', 'audit']],
  ['Mend it', ['pause', 'resume', 'retry', 'resync', 'push-now', 'release', 'reconcile']],
  ['Set up audiences, templates and tools', ['target', 'template', 'action', 'workflow']],
  ['Exposures, files, warehouses', ['export', 'import', 'identifiers']],
  ['Encrypt what Temporal keeps', ['encryption', 'codec-server']],
];
const OTHERS = 'This command';

const CART = 'high_intent_cart_7d_v1';
const TARGET = `--destination meta_main --audience ${CART}`;

/** By the command's path: what it is for, and what is typed. */
export const EXAMPLES: Readonly<Record<string, readonly (readonly [typed: string, what: string])[]>> = {
  start: [['start', 'the demo, or your own headgate.yaml'], ['start --json', 'for programs: a JSON line when it is ready']],
  send: [
    [`send add --audience ${CART} --email ada@example.com --customer-id c_ada`, 'somebody enters an audience'],
    [`send remove --audience ${CART} --customer-id c_ada`, 'and leaves it'],
    [`send add --audience ${CART} --customer-id c_ada --at -6d`, 'as if it had happened six days ago'],
    ['send forward --action ops_slack --customer-id c_ada --attribute cart_value=182.5', 'something for another tool'],
    ['send exposure --exposure journey_entered --customer-id c_ada --context campaign_id=7', 'somebody is exposed to something'],
    ['send event --event shop.refund --customer-id c_ada --attribute amount=25', "an event of a workflow type; what is not given is as in the type's example"],
    ['send report --metric email.opened --customer-id c_ada', "Customer.io's reporting feed"],
  ],
  event: [['event 66b730e1-ece8-48fe-84a8-571cac7324cc', 'what was decided, and how far the platforms are']],
  person: [['person --customer-id c_ada', 'by your own id'], ['person --email ada@example.com --json', 'for programs']],
  'person erase': [['person erase --customer-id c_ada --because "request of 28 November"', 'take somebody out of everything'], ['person erase --email ada@example.com --anyway', 'without waiting for platforms that do not let them go']],
  audience: [[`audience ${CART}`, 'members, targets, what is stuck and what to do'], [`audience ${CART} --held --destination meta_main`, 'what would be sent there, if nothing were held']],
  'audience retire': [[`audience retire ${CART}`, 'let everybody go'], [`audience retire ${CART} --keep`, 'leave the people with the platforms']],
  'audience adopt': [[`audience adopt ${CART}`, 'take it up again']],
  'audience rewindow': [[`audience rewindow ${CART} --dry-run`, 'who would leave'], [`audience rewindow ${CART}`, 'after the window in headgate.yaml was changed']],
  audiences: [['audiences', 'all of them'], ['audiences --url https://headgate.example.com', 'of another Headgate']],
  'quarantine list': [['quarantine list', 'what waits'], ['quarantine list --only invalid --since -2h', 'what came lately and was invalid']],
  'quarantine show': [['quarantine show 17', 'why it is here, and what is still wrong'], ['quarantine show 17 --body', 'its body, to be corrected']],
  'quarantine replay': [['quarantine replay 17', 'the cause is gone'], [`quarantine replay 17 --set audience_key=${CART}`, 'with a field corrected'], [`quarantine replay --audience ${CART} --dry-run`, 'what would happen to many']],
  'quarantine discard': [['quarantine discard 17 --reason "sent twice by mistake"', 'take it out'], ['quarantine discard --only conflict --since -1d --reason "sent twice"', 'take many out']],
  alerts: [['alerts', 'what is wrong now, and whose it is'], ['alerts --history', 'also what is over']],
  'alerts ack': [['alerts ack 17', 'you look after it']],
  'alerts mute': [['alerts mute source_silent --for 2h', 'hear nothing of it for two hours']],
  'alerts test': [['alerts test --owner Retention', 'whether messages get through']],
  audit: [['audit --since -1d', 'since yesterday'], [`audit --on meta_main/${CART}`, 'who paused it'], ['audit --who ada --json', 'for programs']],
  check: [['check', 'everything in headgate.yaml'], ['check --destination meta_main', 'one destination']],
  pause: [[`pause ${TARGET}`, 'stop pushing there']],
  stuck: [['stuck', 'what does not get through, and where to look']],
  'push-now': [[`push-now ${TARGET}`, 'without waiting for the next try']],
  resume: [[`resume ${TARGET}`, 'go on']],
  retry: [[`retry ${TARGET}`, 'everybody who was rejected'], [`retry ${TARGET} --customer-id c_ada`, 'one person']],
  resync: [[`resync ${CART}`, 'to all its targets'], [`resync ${CART} --target meta_main --verify`, 'to one, and compare the sizes then'], [`resync ${CART} --detach --json`, 'for programs, without waiting']],
  reconcile: [['reconcile --dry-run', 'after a restore: how much is missing'], ['reconcile', 'get it back'], ['reconcile --since 2026-11-29T02:00:00Z', 'when the restore was not noticed']],
  'target create': [[`target create ${TARGET}`, 'make the audience at the platform, and print what to put into headgate.yaml']],
  'target retire': [[`target retire ${TARGET}`, 'let everybody go there, before the target is taken out of headgate.yaml']],
  'target adopt': [[`target adopt ${TARGET}`, 'take it up again']],
  release: [['release', 'what the guard holds, and why'], [`release ${CART} --destination meta_main --removals --because "the audience is closed on purpose"`, 'push it']],
  drift: [['drift', 'what the platforms told last'], [`drift ${CART} --read`, 'ask them now']],
  template: [
    [`template --event cio.audience_add --audience ${CART} --attribute cart_value=event.cart_value`, 'what to paste into Customer.io'],
    ['template --event cio.forward --action direct_mail --region eu', 'for another tool'],
    ['template --event shop.refund', 'for the event of a workflow type'],
    ['template --check', 'every template that headgate.yaml has a use for, with people of every kind'],
    ['template --check --url http://127.0.0.1:8080', 'and post each to a running Headgate, as a test that decides nothing'],
    ['template --check --file my-body.liquid', 'a body that you changed'],
  ],
  'workflow list': [['workflow list', 'what starts when an event of another name comes']],
  'workflow new': [['workflow new refund-watch --event shop.refund', 'four small files and a test in ./workflows/refund-watch']],
  'action list': [['action list', 'what waits, and what was refused']],
  'action pause': [['action pause direct_mail', 'stop sending; what comes is kept']],
  'action resume': [['action resume direct_mail', 'go on']],
  'action retry': [['action retry direct_mail', 'send again what the tool refused, after it was mended']],
  'action test': [['action test direct_mail --dry-run', 'what would be sent'], ['action test direct_mail --attribute sku=A', 'send it']],
  identifiers: [['identifiers --platform meta --country US', `one person a line, such as {"email":"ada@example.com","phone":"555-987-6543"}`]],
  'export exposures': [['export exposures --since -30d --format parquet --out exposures', 'the last 30 days'], ['export exposures --since 2026-11-01 --until 2026-12-01 --format csv --out november', 'a month']],
  'export status': [['export status', 'all exports to warehouses'], ['export status warehouse', 'one, with the rows that the warehouse refuses']],
  'export pause': [['export pause warehouse', 'stop sending; the place is kept']],
  'export resume': [['export resume warehouse', 'go on']],
  'export retry': [['export retry warehouse', 'send the refused rows again, after the table was mended']],
  'export restart': [['export restart warehouse', 'send everything again']],
  'import exposures': [['import exposures november/*.csv', 'files that headgate export wrote'], ['import exposures deliveries.csv --source shop_us', "Customer.io's exports"]],
  'encryption new-key': [['encryption new-key', 'a key of this month'], ['encryption new-key --id 2026-11b', 'with an id of your own']],
  'encryption status': [['encryption status --since 2026-11-30T12:00Z', 'whether the key that wrote until then may go']],
  'encryption renew': [['encryption renew --since 2026-11-30T12:00Z', 'so that syncs do not need it any more']],
  'codec-server': [['codec-server', 'on port 8234, for the Temporal UI of this machine']],
  completion: [
    ['completion bash > ~/.local/share/bash-completion/completions/headgate', 'bash'],
    ['completion zsh > ~/.zfunc/_headgate', 'zsh; ~/.zfunc has to be in fpath'],
    ['completion fish > ~/.config/fish/completions/headgate.fish', 'fish'],
  ],
};

export const ENVIRONMENT: readonly (readonly [string, string])[] = [
  ['HEADGATE_URL', 'where Headgate listens (default: HEADGATE_HOST and HEADGATE_PORT, http://127.0.0.1:8080)'],
  ['HEADGATE_READ_TOKEN', 'to read, where it asks for a token'],
  ['HEADGATE_OPERATOR_TOKEN', 'to change something, where it asks for a token; your own of HEADGATE_OPERATOR_TOKENS is as good'],
  ['HEADGATE_CONFIG', 'the registry (default: ./headgate.yaml, else the demo)'],
  ['TEMPORAL_ADDRESS', 'of commands that talk to Temporal themselves: pause, resume, retry, resync, reconcile, target, audience, export'],
  ['NO_COLOR', 'no colours'],
];

/** Groups, examples, the version, exit codes: what is the same for every command. */
export function teach(program: Command): Command {
  program
    // What stands behind the name of a subcommand is the subcommand's own, also where both have it.
    .enablePositionalOptions()
    .version(VERSION, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this')
    .commandsGroup(`${OTHERS}:`)
    .helpCommand('help [command]', 'print the help of a command')
    .configureHelp({ showGlobalOptions: false, subcommandTerm: (command) => `${command.name()}${command.registeredArguments.map((argument) => ` ${argument.required ? `<${argument.name()}>` : `[${argument.name()}]`}`).join('')}` })
    .addHelpText('after', () => `\n${[section('First steps', [['npm start', 'run it'], ['npx headgate send add --help', 'what to try next']]), section('Environment', ENVIRONMENT), section('Exit status', Object.entries(EXIT_MEANINGS)), 'Every command has --json for programs, and examples in its --help. docs/cli.md has them all.'].join('\n\n')}`);
  (program.commands as Command[]).sort((a, b) => placeOf(a.name()) - placeOf(b.name()));
  for (const command of program.commands) command.helpGroup(`${groupOf(command.name())}:`);
  for (const { path, command } of commandsOf(program)) {
    command.helpOption('-h, --help', 'print this');
    if (command.commands.length > 0) command.enablePositionalOptions().helpCommand(false);
    for (const option of command.options) if (option.long === '--url' && option.description === 'where Headgate listens') option.description = 'where Headgate listens (default: HEADGATE_URL)';
    const examples = EXAMPLES[path];
    if (examples) command.addHelpText('after', `\n${describeExamples(examples)}`);
  }
  return program;
}

const IN_ORDER = GROUPS.flatMap(([, names]) => names);
const placeOf = (name: string): number => (IN_ORDER.includes(name) ? IN_ORDER.indexOf(name) : IN_ORDER.length);
/** The heading under which a command of the first level stands. */
export const groupOf = (name: string): string => GROUPS.find(([, names]) => names.includes(name))?.[0] ?? OTHERS;

export interface PlacedCommand {
  /** `export status`. */
  path: string;
  command: Command;
}

/** Every command below, in the order of the help. Hidden ones are not for people. */
export function commandsOf(command: Command, above: readonly string[] = []): PlacedCommand[] {
  return command.commands.filter((one) => !isHidden(one)).flatMap((one) => {
    const path = [...above, one.name()];
    return [{ path: path.join(' '), command: one }, ...commandsOf(one, path)];
  });
}

export const isHidden = (command: Command): boolean => (command as unknown as { _hidden: boolean })._hidden;

const section = (heading: string, rows: readonly (readonly [string, string])[]): string => {
  const width = Math.max(...rows.map(([term]) => term.length));
  return `${heading}:\n${rows.map(([term, what]) => `  ${term.padEnd(width)}  ${what}`).join('\n')}`;
};

export const describeExamples = (examples: readonly (readonly [string, string])[]): string =>
  `Examples:\n${examples.map(([typed, what]) => `  # ${what}\n  npx headgate ${typed}`).join('\n')}`;
