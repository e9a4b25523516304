/** `npm run release:check`: looks at everything about a release that a machine can look at, and says what to do. Ends with 1 when something is wrong. */
import { styleText } from 'node:util';
import { CHECKS, type Check } from './checks.ts';

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const indented = (text: string, by = '    '): string => text.replaceAll(/^/gm, by);

/** A check that cannot look has not passed. */
async function problemsOf({ look }: Check): Promise<string[]> {
  try {
    return await look();
  } catch (error) {
    return [`could not be looked at: ${error instanceof Error ? error.message : String(error)}`];
  }
}

let failed = 0;
for (const check of CHECKS) {
  const problems = await problemsOf(check);
  if (problems.length === 0) say(`${styleText('green', '✓')} ${check.name}`);
  else {
    if (!check.reminder) failed++;
    say(`${check.reminder ? styleText('yellow', '!') : styleText('red', '✗')} ${check.name}`);
    for (const problem of problems) say(indented(problem));
    say(indented(`→ ${check.cure}`, '  '));
  }
}
say('');
say(failed === 0 ? 'All that a machine can look at is well. What a person looks at stands in docs/releasing.md.' : `${String(failed)} of ${String(CHECKS.length)} checks have failed. docs/releasing.md says what each is for.`);
process.exitCode = failed === 0 ? 0 : 1;
