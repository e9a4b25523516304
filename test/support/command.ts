/**
 * The `headgate` command as an operator types it. In this process, because a process of its own takes more than a second to start, most of it for the
 * same modules; what only a process shows (signals, pipes, the exit itself) has its tests in test/cli/process.test.ts and test/service/exposure-files.test.ts.
 */
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { vi } from 'vitest';
import type { TestService } from './service.ts';

export interface CommandResult {
  status: number;
  output: string;
  errors: string;
}

export interface Surroundings {
  /** Where it is typed; default: here. */
  folder?: string | undefined;
  environment?: Record<string, string>;
  /** On standard input. */
  input?: string;
}

/** They share standard output, so each waits for the one before. */
let turn: Promise<unknown> = Promise.resolve();

/** @param args behind `headgate` */
export function typeCommand(args: readonly string[], surroundings: Surroundings = {}): Promise<CommandResult> {
  const mine = turn.then(() => run(args, surroundings));
  turn = mine.catch(() => undefined);
  return mine;
}

async function run(args: readonly string[], { folder = process.cwd(), environment = {}, input = '' }: Surroundings): Promise<CommandResult> {
  const { main } = await import('../../src/cli/main.ts');
  const before = { folder: process.cwd(), environment: Object.keys(environment).map((name) => [name, process.env[name]] as const) };
  let [output, errors] = ['', ''];
  const spies = [
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => ((output += String(text)), true)),
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => ((errors += String(text)), true)),
    vi.spyOn(process, 'stdin', 'get').mockReturnValue(Readable.from(input === '' ? [] : [Buffer.from(input)]) as never),
  ];
  try {
    process.chdir(folder);
    Object.assign(process.env, environment);
    await main(args);
    return { status: Number(process.exitCode ?? 0), output, errors };
  } finally {
    for (const spy of spies) spy.mockRestore();
    process.exitCode = undefined;
    process.chdir(before.folder);
    for (const [name, value] of before.environment) {
      if (value === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = value;
    }
  }
}

/** Against a service of the tests. @param registry the operator's headgate.yaml */
export async function runCommand(service: TestService, registry: string, ...args: string[]): Promise<CommandResult> {
  const folder = await mkdtemp(join(tmpdir(), 'headgate-command-'));
  await writeFile(join(folder, 'headgate.yaml'), registry);
  const { port } = new URL(service.url);
  return typeCommand(args, { folder, environment: { TEMPORAL_ADDRESS: service.temporal.address, HEADGATE_PORT: port, HEADGATE_SANDBOX_URL: service.sandbox.url } });
}
