/** What only a process shows: standard input and output as pipes, and the exit itself. */
import { spawn, type ChildProcess } from 'node:child_process';
import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };

const BIN = new URL('../../bin/headgate.js', import.meta.url).pathname;

function start(...args: string[]): { child: ChildProcess; closed: Promise<{ status: number | null; output: string; errors: string }> } {
  const child = spawn(process.execPath, [BIN, ...args], { cwd: tmpdir() });
  let [output, errors] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  return { child, closed: new Promise((resolve) => child.once('close', (status) => { resolve({ status, output, errors }); })) };
}

test('it ends with its exit status, and reads and writes pipes', async () => {
  const [version, misspelt, unreachable, piped] = [start('--version'), start('audiense'), start('audiences', '--url', 'http://127.0.0.1:9', '--json'), start('identifiers', '--platform', 'meta')];
  piped.child.stdin?.end('{"email":"ada@example.com"}\noops\n');
  expect(await version.closed).toEqual({ status: 0, output: `${packageJson.version}\n`, errors: '' });
  expect(await misspelt.closed).toMatchObject({ status: 2, output: '', errors: expect.stringContaining("unknown command 'audiense'") as string });
  expect(await unreachable.closed).toMatchObject({ status: 3, output: '', errors: expect.stringMatching(/^\{"problem":"No Headgate answers/) as string });
  expect(await piped.closed).toMatchObject({ status: 1, errors: '', output: expect.stringMatching(/^\{"platform":"meta".*\n.*line 2 is not JSON.*\n$/) as string });
});

test('a reader that has seen enough, such as head, ends it quietly', async () => {
  const { child, closed } = start('identifiers', '--platform', 'meta');
  child.stdin?.on('error', () => undefined);
  child.stdout?.once('data', () => child.stdout?.destroy());
  const write = (): void => {
    if (child.exitCode === null && child.stdin?.writable === true) child.stdin.write('{"email":"ada@example.com"}\n'.repeat(1_000), () => setImmediate(write));
  };
  write();
  expect(await closed).toMatchObject({ status: 0, errors: '' });
});
