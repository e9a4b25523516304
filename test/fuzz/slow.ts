/** Senders that are slow on purpose: a crowd of connections that never finish what they begin, while others want to be served. */
import type { Report } from './findings.ts';
import { signedHeaders } from './signed.ts';
import type { Target } from './target.ts';
import { exchange } from './wire.ts';

/** The service gives up on who is not done after 15 s, and looks every few seconds; this leaves room for a busy machine. Milliseconds. */
const CUT_WITHIN_MS = 60_000;
const DRIP_MS = 700;

interface SlowAttack {
  name: string;
  /** Sent at once. */
  first: string;
  /** Sent again and again. */
  drip: string;
}

const HEAD = 'POST /v1/webhooks/demo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n';

const attacks = (): SlowAttack[] => {
  const signed = Object.entries(signedHeaders('{}')).map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return [
    { name: 'nothing', first: '', drip: '' },
    { name: 'the request line', first: 'GET /', drip: 'a' },
    { name: 'headers', first: HEAD, drip: 'X-Slow: a\r\n' },
    { name: 'a header', first: `${HEAD}X-Slow: `, drip: 'a' },
    { name: 'a body', first: `${HEAD}${signed}Content-Length: 262144\r\n\r\n`, drip: '{' },
    { name: 'a body in chunks', first: `${HEAD}${signed}Transfer-Encoding: chunked\r\n\r\n`, drip: '1\r\n{\r\n' },
    { name: 'a chunk extension', first: `${HEAD}${signed}Transfer-Encoding: chunked\r\n\r\n5;`, drip: 'a' },
    { name: 'a body that is too large, in chunks', first: `${HEAD}Transfer-Encoding: chunked\r\n\r\n100000\r\n${'x'.repeat(0x100000)}\r\n`, drip: '1\r\nx\r\n' },
  ];
};

/** Each of them has to be cut off. */
export async function runSlow(target: Target, report: Report): Promise<void> {
  await Promise.all(attacks().map(async ({ name, first, drip }) => {
    const drips = Array.from({ length: Math.ceil(CUT_WITHIN_MS / DRIP_MS) }, () => [DRIP_MS, drip]).flat();
    const { end, answers, ms } = await exchange({ host: target.host, port: target.port, parts: [first, ...drips], answers: 0, deadlineMs: CUT_WITHIN_MS });
    report.count('slow', answers[0]?.status ?? end, 0, name);
    report.note(`A sender that is slow with ${name} is cut off after ${(ms / 1_000).toFixed(0)} s.`);
    // A connection on which nothing was asked yet costs nothing but itself, and is a browser's spare one.
    if (end === 'silence' && name !== 'nothing') report.find(`slow/${name}`, `a sender that is slow with ${name} is not cut off within ${String(CUT_WITHIN_MS / 1_000)} s`, 'npm run fuzz -- --only slow');
  }));
}

/** Many who announce a large body and send nothing of it; whoever comes meanwhile has to be served before long. */
export async function runCrowd(target: Target, report: Report, { connections, forMs }: { connections: number; forMs: number }, ask: () => Promise<{ status: number; ms: number }>): Promise<void> {
  const idle = Array.from({ length: connections }, () => exchange({ host: target.host, port: target.port, parts: [`${HEAD}Content-Length: 262144\r\n\r\n{`], answers: 0, deadlineMs: forMs }));
  const until = Date.now() + forMs;
  let last: number | undefined;
  while (Date.now() < until) {
    const { status, ms } = await ask();
    last = status;
    report.count('while a crowd stands at the door', status, ms, 'a webhook');
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  // The first seconds may be said no to: a slow body is given some time before its room is needed.
  if (last !== 200 && last !== 202) report.find(`crowd/${String(last)}`, `while ${String(connections)} connections hold back the body that they announced, a webhook is answered ${String(last)} for ${String(forMs / 1_000)} s`, 'npm run fuzz -- --only crowd');
  await Promise.all(idle);
}
