/** The Dockerfile, held to rules. No image can be built where tests run, so it is read by a parser, linted, and compared with the files that it speaks of. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Cmd, Copy, DockerfileParser, From, Label, type Instruction } from 'dockerfile-ast';
import { ValidationSeverity, validate } from 'dockerfile-utils';
import { describe, expect, test } from 'vitest';
import { readPackageJson, ROOT } from '../../tools/pack/package-json.ts';

const text = readFileSync(join(ROOT, 'Dockerfile'), 'utf8');
const dockerfile = DockerfileParser.parse(text);
const manifest = await readPackageJson();
const instructions = dockerfile.getInstructions();
const stages: { name: string | undefined; image: string; tag: string | undefined; instructions: Instruction[] }[] = [];
for (const instruction of instructions) {
  if (instruction instanceof From) stages.push({ name: instruction.getBuildStage() ?? undefined, image: instruction.getImageName() ?? '', tag: instruction.getImageTag() ?? undefined, instructions: [] });
  else stages.at(-1)?.instructions.push(instruction);
}
const image = stages.at(-1)!;
const allOf = (keyword: string, of = image.instructions): Instruction[] => of.filter((one) => one.getKeyword() === keyword);
const argumentsOf = (instruction: Instruction): string[] => instruction.getArguments().map((argument) => argument.getValue());
/** Which other stage a COPY takes from. */
const otherStage = (copy: Instruction): string | undefined => (copy instanceof Copy ? (copy.getFlags().find((flag) => flag.getName() === 'from')?.getValue() ?? undefined) : undefined);
/** What a rule of .dockerignore lets through again. */
const sent = readFileSync(join(ROOT, '.dockerignore'), 'utf8').split('\n').filter((line) => line.startsWith('!')).map((line) => line.slice(1));

/** Sources on this machine, not in another stage. */
function copied(): { source: string; target: string }[] {
  return stages.flatMap((stage) => allOf('COPY', stage.instructions))
    .filter((instruction) => otherStage(instruction) === undefined)
    .flatMap((instruction) => {
      const all = argumentsOf(instruction);
      return all.slice(0, -1).map((source) => ({ source, target: all.at(-1)! }));
    });
}

test('a linter finds nothing', () => {
  const problems = validate(text, { deprecatedMaintainer: ValidationSeverity.ERROR, instructionWorkdirRelative: ValidationSeverity.ERROR, emptyContinuationLine: ValidationSeverity.ERROR, instructionCmdMultiple: ValidationSeverity.ERROR, instructionEntrypointMultiple: ValidationSeverity.ERROR, instructionHealthcheckMultiple: ValidationSeverity.ERROR, instructionJSONInSingleQuotes: ValidationSeverity.ERROR });
  expect(problems.map(({ message, range }) => `line ${String(range.start.line + 1)}: ${typeof message === 'string' ? message : message.value}`)).toEqual([]);
});

test('every base is the Node that npm installs here, by its whole number', () => {
  for (const { image: name, tag } of stages) expect(`${name}:${tag ?? 'latest'}`).toBe(`node:${manifest.dependencies['node']!}-bookworm-slim`);
});

describe('what is copied', () => {
  test('is there, and .dockerignore lets it through', () => {
    expect(copied().length).toBeGreaterThan(5);
    for (const { source } of copied()) {
      expect(existsSync(join(ROOT, source)), source).toBe(true);
      expect(sent, `.dockerignore keeps ${source} from the build`).toContain(source);
    }
  });

  test('.dockerignore sends nothing that no line copies, and keeps everything else back', () => {
    expect(readFileSync(join(ROOT, '.dockerignore'), 'utf8').split('\n')[0]).toBe('*');
    expect(sent.toSorted()).toEqual([...new Set(copied().map(({ source }) => source))].toSorted());
  });

  test('is everything outside of src/ that the code reads by its place', () => {
    const code = globSync('src/**/*.ts', { cwd: ROOT }).map((file) => [file, readFileSync(join(ROOT, file), 'utf8')] as const);
    const outside = code.flatMap(([file, source]) =>
      [...source.matchAll(/new URL\(\s*['"`](\.[^'"`$]+)['"`],\s*import\.meta\.url\)/g)].map(([, path]) => new URL(path!, `file:///${file}`).pathname.slice(1)).filter((path) => !path.startsWith('src/')));
    expect(outside).toContain('docs/runbook.md');
    // What the embedded Temporal server is built from; server.ts and worker.ts have none.
    const missing = [...new Set(outside)].filter((path) => !path.startsWith('tools/') && !copied().some(({ source }) => path === source || path.startsWith(`${source}/`)));
    expect(missing).toEqual([]);
  });

  test('from another stage comes from one that there is', () => {
    const names = stages.map(({ name }) => name);
    expect(allOf('COPY').map(otherStage).filter((name) => name !== undefined && !names.includes(name))).toEqual([]);
  });
});

test('installs from the lock, for production, and lets no package run anything', () => {
  const [install] = stages.flatMap((stage) => allOf('RUN', stage.instructions)).map((run) => run.getArgumentsContent() ?? '').filter((line) => line.includes('npm '));
  expect(install).toMatch(/^npm ci --omit=dev --ignore-scripts /);
  expect(text).not.toMatch(/\b(curl|wget|sudo|apt-get|apt)\b|--privileged|chmod 777|\bADD\b/);
});

test('does not run as root, by number', () => {
  const users = allOf('USER');
  expect(users).toHaveLength(1);
  expect(argumentsOf(users[0]!)).toEqual(['1000:1000']);
  // Nothing that the process could change lies in the image.
  const after = image.instructions.slice(image.instructions.indexOf(users[0]!)).map((one) => one.getKeyword());
  expect(after.filter((keyword) => ['RUN', 'COPY', 'ADD'].includes(keyword))).toEqual([]);
});

test('starts an entry point that there is, and asks for health, without a shell', () => {
  const [command] = allOf('CMD');
  expect(command instanceof Cmd && command.getJSONStrings().map((part) => part.getJSONValue())).toEqual(['node', 'src/server.ts']);
  for (const entry of ['src/server.ts', 'src/worker.ts', 'bin/headgate.js']) expect(existsSync(join(ROOT, entry)), entry).toBe(true);
  expect(allOf('ENTRYPOINT')).toEqual([]);
  const [health] = allOf('HEALTHCHECK');
  expect(health?.getArgumentsContent()).toMatch(/CMD \["node", "-e", "/);
  expect(health?.getArgumentsContent()).toContain('/readyz');
});

test('its labels say what it is, and the version is that of package.json', () => {
  const labels = Object.fromEntries(allOf('LABEL').filter((one) => one instanceof Label).flatMap((label) => label.getProperties().map((property) => [property.getName(), property.getValue()])));
  expect(labels).toEqual({
    'org.opencontainers.image.title': 'Headgate',
    'org.opencontainers.image.description': manifest.description,
    'org.opencontainers.image.version': manifest.version,
    'org.opencontainers.image.licenses': manifest.license,
  });
});

test('has the ports that the environment has by default', () => {
  const environment = readFileSync(join(ROOT, 'src/config/environment.ts'), 'utf8');
  const ports = ['HEADGATE_PORT', 'HEADGATE_METRICS_PORT'].map((name) => new RegExp(`${name}: port\\.default\\(([\\d_]+)\\)`).exec(environment)?.[1]?.replace('_', ''));
  expect(argumentsOf(allOf('EXPOSE')[0]!)).toEqual(ports);
});
