/**
 * Finds Temporal's time-skipping test server, for which sixty days take a second, or gets one: named, cached, downloaded by Temporal's SDK,
 * or fetched by Maven. Only tests of workflow types want it (src/testing), never `npm start`.
 */
import { chmod, mkdir, readdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EmbeddedError } from './embedded-error.ts';
import { obtain, type Obtained } from './obtain.ts';
import { run } from './processes.ts';

/** Of the server that Maven fetches; the same stands in tools/temporal-test-server/pom.xml. */
export const TEST_SERVER_VERSION = '1.38.0';
const POM = fileURLToPath(new URL('../../tools/temporal-test-server/pom.xml', import.meta.url));
const PROGRAM = 'temporal-test-server';
const DOWNLOAD_HOST = 'https://temporal.download/';
/** A host that is kept away by a firewall does not answer at all. */
const ANSWER_WITHIN_MS = 5_000;
const DOWNLOAD_WITHIN_MS = 120_000;
const MAVEN_WITHIN_MS = 240_000;

export interface FindTestServerOptions {
  environment?: Readonly<Record<string, string | undefined>>;
  /** Says what is being done, one line at a time. */
  say?: (line: string) => void;
}

/** Throws EmbeddedError, which says what was tried and what to install, when there is no way to get one. */
export async function findTestServer({ environment = process.env, say = () => undefined }: FindTestServerOptions = {}): Promise<Obtained> {
  const named = environment['HEADGATE_TEST_SERVER'];
  if (named) {
    const problem = await whyUnusable(named);
    if (problem) throw new EmbeddedError(`HEADGATE_TEST_SERVER names ${named}, which ${problem}.`);
    return { path: named, origin: 'named by HEADGATE_TEST_SERVER' };
  }
  return obtain({
    name: `${PROGRAM}-${TEST_SERVER_VERSION}`,
    program: PROGRAM,
    whyUnusable,
    ways: [
      { origin: 'downloaded', make: download },
      { origin: 'fetched by Maven', make: (made, _work, speak) => fetchByMaven(made, environment, speak) },
    ],
    what: 'time-skipping Temporal server',
    instead: 'Install Java 11 or newer and Maven (Debian: apt-get install default-jre-headless maven; macOS: brew install openjdk maven), or name such a server by HEADGATE_TEST_SERVER.',
    environment,
    say,
  });
}

/** Undefined when the program runs and is the test server, which tells its flags when it is asked for nothing. */
async function whyUnusable(path: string): Promise<string | undefined> {
  const { output } = await run(path, [], { timeout: 30_000 });
  return output.includes('--enable-time-skipping') ? undefined : 'does not run, or is not the Temporal test server';
}

/** By Temporal's own SDK. Returns why it did not work. */
async function download(made: string, work: string, say: (line: string) => void): Promise<string | undefined> {
  const away = await fetch(DOWNLOAD_HOST, { method: 'HEAD', signal: AbortSignal.timeout(ANSWER_WITHIN_MS) }).then(
    () => undefined,
    (error: unknown) => reasonOf(error),
  );
  if (away !== undefined) return `the download failed (${new URL(DOWNLOAD_HOST).host}: ${away})`;
  say('Temporal: downloading the time-skipping server (once).');
  const { TestWorkflowEnvironment } = await import('@temporalio/testing');
  const server = { executable: { type: 'cached-download', downloadDir: work } as const };
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`not done within ${String(DOWNLOAD_WITHIN_MS / 1_000)} s`)), DOWNLOAD_WITHIN_MS);
  try {
    const environment = await Promise.race([TestWorkflowEnvironment.createTimeSkipping({ server }), late]);
    await environment.teardown();
    const [file] = (await readdir(work)).filter((name) => name.startsWith(PROGRAM));
    if (file === undefined) return 'the download left no file';
    await mkdir(made);
    await rename(join(work, file), join(made, PROGRAM));
    await chmod(join(made, PROGRAM), 0o755);
    return await whyUnusable(join(made, PROGRAM)).then((problem) => (problem === undefined ? undefined : `what was downloaded ${problem}`));
  } catch (error) {
    return `the download failed (${reasonOf(error)})`;
  } finally {
    clearTimeout(timer);
  }
}

/** The server's classes with a script that runs them. Returns why it did not work. */
async function fetchByMaven(made: string, environment: Readonly<Record<string, string | undefined>>, say: (line: string) => void): Promise<string | undefined> {
  const env = { ...environment };
  if ((await run('java', ['-version'], { env })).code !== 0) return 'Java is not installed';
  if ((await run('mvn', ['-version'], { env })).code !== 0) return 'Maven is not installed';
  say(`Temporal: fetching the time-skipping server ${TEST_SERVER_VERSION} by Maven (38 MB, once).`);
  const goals = ['dependency:copy-dependencies', `-DoutputDirectory=${join(made, 'lib')}`];
  const { code, output } = await run('mvn', ['-q', '-B', '-f', POM, ...goals], { env, timeout: MAVEN_WITHIN_MS });
  if (code !== 0) return `Maven could not fetch the server (${output.split('\n').find((line) => line.includes('ERROR')) ?? `nothing after ${String(MAVEN_WITHIN_MS / 1_000)} s`})`;
  await writeFile(join(made, PROGRAM), SCRIPT, { mode: 0o755 });
  const problem = await whyUnusable(join(made, PROGRAM));
  return problem === undefined ? undefined : `what Maven fetched ${problem}`;
}

/** `exec`, because the SDK ends the process that it has started and no other. The flags make it start in half the time. */
const SCRIPT = `#!/bin/sh
exec java -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -cp "$(dirname "$0")/lib/*" io.temporal.testserver.TestServer "$@"
`;

function reasonOf(error: unknown): string {
  const { message, cause } = error as Error;
  if (cause instanceof Error) return reasonOf(cause);
  return (/([^:]*)$/.exec(message)?.[1] ?? message).trim();
}
