/** Sends the attacks over plain sockets and judges what came back. */
import type { Report } from './findings.ts';
import { leaksOfAnswer } from './leaks.ts';
import type { RawAttack } from './raw-attacks.ts';
import type { Target } from './target.ts';
import { exchangePatiently, type Exchange } from './wire.ts';

const AT_ONCE = 8;

export async function runRaw(target: Target, attacks: readonly RawAttack[], report: Report): Promise<void> {
  const left = [...attacks];
  const work = async (): Promise<void> => {
    for (let attack = left.shift(); attack && target.ended() === undefined; attack = left.shift()) await runOne(target, attack, report);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

async function runOne(target: Target, attack: RawAttack, report: Report): Promise<void> {
  const { kind, name, parts, deadlineMs = 0, right } = attack;
  const seen = await exchangePatiently({ ...attack, host: target.host, port: target.port, deadlineMs: Math.max(deadlineMs, target.deadlineMs), parts });
  const repeat = `npm run fuzz -- --only ${JSON.stringify(`${kind}/${name}`)}`;
  for (const answer of seen.answers.length > 0 ? seen.answers.map(({ status }) => status) : [seen.end]) report.count(`raw ${kind}`, answer, seen.ms, name);
  const wrong = [...judge(seen, right, attack.abort === true), attack.check?.(seen)].filter((one) => one !== undefined);
  const sent = parts.map((part) => part.toString()).join('');
  const leaks = leaksOfAnswer(seen.text, sent).map(({ what, excerpt }) => `the answer holds ${what}: ${excerpt}`);
  for (const what of [...wrong, ...leaks]) report.find(`${kind}/${name}/${what.slice(0, 60)}`, `${kind}, ${name}: ${what}`, repeat);
}

function judge({ end, answers, text, ms }: Exchange, right: RawAttack['right'], aborted: boolean): string[] {
  if (end === 'refused') return ['nobody listens any more'];
  if (end === 'silence') return [`neither an answer nor an end within ${(ms / 1_000).toFixed(0)} s, after ${JSON.stringify(text.slice(0, 200))}`];
  const failed = answers.filter(({ status }) => status >= 500 && !(right ?? []).includes(status)).map(({ status, body }) => `${String(status)} ${body.slice(0, 200)}`);
  if (failed.length > 0 || !right || aborted) return failed;
  const got = answers.length === 0 ? ['closed' as const] : answers.map(({ status }) => status);
  return got.filter((one) => !right.includes(one)).slice(0, 1).map((one) => `${String(one)} instead of ${right.join(' or ')}: ${answers[0]?.body.slice(0, 200) ?? ''}`);
}
