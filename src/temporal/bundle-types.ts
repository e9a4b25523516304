/** One bundle of the workflows of all types, apart from Headgate's own: no type can change or break those. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { bundleWorkflowCode, type WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { silent } from './silent.ts';

/** A module with workflows, and the names of those that are started. */
export interface WorkflowModule {
  workflowFile: string;
  workflowNames: readonly string[];
}

/** What the bundler says names files and lines. */
export class TypesUnbundled extends Error {
  override readonly name = 'TypesUnbundled';
  readonly problems: readonly string[];
  constructor(modules: readonly WorkflowModule[], problems: readonly string[], cause: unknown) {
    super(`The workflows of ${modules.map(({ workflowFile }) => workflowFile).join(', ')} cannot be bundled: ${problems.join('\n')}`, { cause });
    this.problems = problems;
  }
}

const own = createRequire(import.meta.url);
/** Where Headgate's own packages are, for folders that have none. */
const PACKAGES = resolve(own.resolve('@temporalio/workflow/package.json'), '../../..');

export interface BundleOptions {
  /** Of the data converter, when it has one of its own. */
  failureConverterPath?: string | undefined;
  /** Modules with workflow interceptors, for tests. */
  interceptors?: string[];
}

/** Throws TypesUnbundled. */
export async function bundleTypes(modules: readonly WorkflowModule[], { failureConverterPath, interceptors = [] }: BundleOptions = {}): Promise<WorkflowBundleWithSourceMap> {
  const folder = await mkdtemp(join(tmpdir(), 'headgate-types-'));
  const entry = join(folder, 'index.js');
  const said: string[] = [];
  try {
    await writeFile(entry, modules.map(({ workflowFile, workflowNames }) => `export { ${workflowNames.join(', ')} } from ${JSON.stringify(workflowFile)};\n`).join(''));
    return await bundleWorkflowCode({
      workflowsPath: entry,
      workflowInterceptorModules: interceptors,
      ...(failureConverterPath === undefined ? {} : { failureConverterPath }),
      logger: { ...silent, error: (message) => void said.push(message) },
      webpackConfigHook: (config) => ({
        ...config,
        resolve: {
          ...config.resolve,
          modules: [PACKAGES, ...(config.resolve?.modules ?? [])],
          alias: { ...(config.resolve?.alias as Record<string, string>), 'headgate/workflow$': own.resolve('headgate/workflow') },
        },
      }),
    });
  } catch (error) {
    throw new TypesUnbundled(modules, [...said, (error as Error).message], error);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
