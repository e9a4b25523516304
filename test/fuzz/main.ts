/**
 * `npm run fuzz`: attacks a service of its own, then looks at what it answered, wrote, stored and kept in memory. Exit status 1 when
 * something was found. docs/fuzz.md says what is attacked.
 */
import { findTemporalBinary } from '../../src/embedded/index.ts';
import { withServers } from '../bench/servers.ts';
import { attack } from './attack.ts';
import { Report } from './findings.ts';
import { readOptions, USAGE } from './options.ts';
import { describeRun } from './summary.ts';
import { startTarget } from './target.ts';

const say = (line: string): void => void process.stdout.write(`${line}\n`);

const options = readOptions(process.argv.slice(2));
if (!options) {
  say(USAGE);
  process.exit(2);
}
say(`Seed ${String(options.seed)}. The same again: npm run fuzz -- --seed ${String(options.seed)} --minutes ${String(options.minutes)}${options.quick ? ' --quick' : ''}`);
const binary = await findTemporalBinary({ environment: process.env, say });
process.exitCode = await withServers(binary.path, async ({ databaseUrl, temporalAddress }) => {
  const target = await startTarget({ temporalBinary: binary.path, databaseUrl, temporalAddress });
  const report = new Report();
  try {
    say(describeRun(report, await attack(target, options, report, say)));
  } finally {
    await target.stop();
  }
  return report.findings.length === 0 ? 0 : 1;
});
process.exit();
