/** Makes what the npm package ships and the repository does not hold: dist/. Run by `npm pack` itself (`prepack`), so that a package never has an older one. */
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { existsSync, globSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { readPackageJson, ROOT } from './package-json.ts';
import { exportsOfPackage, publicSources } from './public-entries.ts';
import { run } from './run.ts';
import { makeSbom } from './sbom.ts';

const DIST = join(ROOT, 'dist');
const tsc = (...args: string[]): Promise<string> => run(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.pack.json', ...args]);

const manifest = await readPackageJson();
exportsOfPackage(manifest);
await rm(DIST, { recursive: true, force: true });
await tsc();
await renamePaths();
await copyOtherFiles();
await writeDeclarations(publicSources(manifest));
await writeFile(join(DIST, 'sbom.cdx.json'), await makeSbom(manifest));

/** tsc renames what is imported; files that are named otherwise (`new URL('./x.ts', import.meta.url)`, `require`) are renamed here, where there is such a file. */
async function renamePaths(): Promise<void> {
  for (const file of globSync('**/*.js', { cwd: DIST })) {
    const path = join(DIST, file);
    const text = await readFile(path, 'utf8');
    const renamed = text.replace(/(['"`])(\.{1,2}\/[\w./-]+)\.ts\1/g, (all, quote: string, to: string) => (existsSync(join(dirname(path), `${to}.js`)) ? `${quote}${to}.js${quote}` : all));
    if (renamed !== text) await writeFile(path, renamed);
  }
}

/** SQL, the demo's registry, the console's assets: whatever lies beside the code and is no page for its readers. */
async function copyOtherFiles(): Promise<void> {
  const files = globSync('**/*.*', { cwd: join(ROOT, 'src') }).filter((file) => !/\.(ts|md)$/.test(file) && file !== 'ledger/schema.sql');
  for (const file of files) {
    await mkdir(dirname(join(DIST, file)), { recursive: true });
    await cp(join(ROOT, 'src', file), join(DIST, file));
  }
}

/** Of the public entries and whatever their types reach; the rest is nobody's business. */
async function writeDeclarations(wanted: readonly string[]): Promise<void> {
  if (wanted.length === 0) return;
  const made = join(DIST, '.declarations');
  const config = join(ROOT, 'dist/tsconfig.declarations.json');
  const files = wanted.map((source) => join(ROOT, source));
  await writeFile(config, JSON.stringify({ extends: '../tsconfig.pack.json', compilerOptions: { noCheck: false, noResolve: false, types: ['node'], declaration: true, emitDeclarationOnly: true, rootDir: '../src', outDir: made }, include: [], files }));
  // It complains of files that no public type reaches, too: what counts is whether the ones that are reached were made.
  const complaints = await run(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', config]).then(() => '', (error: unknown) => String(error));
  const needed = await reachable(wanted.map((source) => join(made, source.replace(/^src\//, '').replace(/\.ts$/, '.d.ts'))));
  const missing = [...needed].filter((file) => !existsSync(file));
  if (missing.length > 0) throw new Error(`No declarations of ${missing.map((file) => relative(made, file)).join(', ')}, which public types reach. ${complaints}`);
  for (const file of needed) {
    const target = join(DIST, relative(made, file));
    await mkdir(dirname(target), { recursive: true });
    await cp(file, target);
  }
  await rm(made, { recursive: true });
  await rm(config);
}

/** Declarations and what they import by a path, to the end. */
async function reachable(from: readonly string[]): Promise<Set<string>> {
  const found = new Set<string>(from);
  for (const file of found) {
    const text = (await readFile(file, 'utf8').catch(() => '')).replace(/\/\*[^]*?\*\//g, '');
    for (const [, path] of text.matchAll(/(?:from|import\()\s*["'](\.{1,2}\/[^"']+)["']/g)) found.add(resolve(dirname(file), (path ?? '').replace(/\.[tj]s$/, '.d.ts')));
  }
  return found;
}
