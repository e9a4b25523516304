/** deploy/kubernetes: by the types of Kubernetes' own API, and as far as its parts depend on each other and on the code. */
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { parseRegistry } from '../../src/config/registry.ts';
import { readEnvironment } from '../../src/config/environment.ts';

interface Container {
  command: string[];
  ports: { name: string; containerPort: number }[];
  env: { name: string; value: string }[];
  envFrom: { configMapRef?: { name: string }; secretRef?: { name: string } }[];
  volumeMounts: { name: string; mountPath: string }[];
  startupProbe: { httpGet: { path: string; port: string } };
  livenessProbe: { httpGet: { path: string; port: string } };
  readinessProbe: { httpGet: { path: string; port: string } };
}
interface Pod {
  metadata: { labels: Record<string, string> };
  spec: { terminationGracePeriodSeconds: number; enableServiceLinks: boolean; containers: Container[]; volumes: { name: string; configMap?: { name: string } }[]; securityContext: object };
}
interface Manifest {
  file: string;
  apiVersion: string;
  kind: string;
  metadata: { name: string };
  spec: { template: Pod; selector: { matchLabels?: Record<string, string> } & Record<string, string>; ports: { name: string; targetPort: string }[]; scaleTargetRef: { name: string }; rules: { http: { paths: { backend: { service: { name: string; port: { name: string } } } }[] } }[] };
  stringData: Record<string, string>;
}

const folder = new URL('../../deploy/kubernetes/', import.meta.url);
const read = (file: string): Promise<string> => readFile(new URL(file, folder), 'utf8');
const files = (await readdir(folder)).filter((file) => file !== 'headgate.yaml' && file !== 'kustomization.yaml');
const manifests = (await Promise.all(files.map(async (file) => parseAllDocuments(await read(file)).map((document) => ({ file, ...(document.toJS() as Omit<Manifest, 'file'>) }))))).flat();
const kustomization = parse(await read('kustomization.yaml')) as { resources: string[]; configMapGenerator: { name: string; files?: string[]; literals?: string[] }[] };
const of = (kind: string): Manifest[] => manifests.filter((manifest) => manifest.kind === kind);
const containers = of('Deployment').map(({ spec }) => ({ pod: spec.template, container: spec.template.spec.containers[0]! }));

/** Where the types of an API version are; undefined for what an operator brings. */
const typesOf = (apiVersion: string): string | undefined => (apiVersion === 'v1' ? 'core/v1' : apiVersion.includes('coreos.com') ? undefined : apiVersion.replace('.k8s.io', ''));

/** The manifests as objects of their types: a wrong name, a wrong type and a missing field are mistakes then. */
function asTypeScript(given: readonly Manifest[]): string {
  return given.flatMap((manifest, index) => {
    const types = typesOf(manifest.apiVersion);
    const name = String(index);
    const text = JSON.stringify({ ...manifest, file: undefined });
    return types === undefined ? [] : [`import type { ${manifest.kind} as Kind${name} } from 'kubernetes-types/${types}';`, `export const manifest${name}: Kind${name} = ${text};`];
  }).join('\n');
}

/** What the compiler says of each text. */
function compile(texts: Readonly<Record<string, string>>): Record<string, string[]> {
  const sources = new Map(Object.entries(texts).map(([name, text]) => [fileURLToPath(new URL(`${name}.ts`, import.meta.url)), text]));
  const options: ts.CompilerOptions = { strict: true, noEmit: true, skipLibCheck: true, types: [], lib: ['lib.es5.d.ts'], target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext };
  const disk = ts.createCompilerHost(options);
  const program = ts.createProgram([...sources.keys()], options, {
    ...disk,
    fileExists: (path) => sources.has(path) || disk.fileExists(path),
    readFile: (path) => sources.get(path) ?? disk.readFile(path),
    getSourceFile: (path, ...rest) => {
      const text = sources.get(path);
      return text === undefined ? disk.getSourceFile(path, ...rest) : ts.createSourceFile(path, text, ts.ScriptTarget.ES2022);
    },
  });
  const said = ts.getPreEmitDiagnostics(program);
  return Object.fromEntries([...sources.keys()].map((path, index) => [Object.keys(texts)[index]!, said.filter(({ file }) => file === undefined || file.fileName === path).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' '))]));
}

test('the manifests are what the API takes; a wrong name would be noticed, and a wrong type', () => {
  const [deployment] = of('Deployment');
  const wrong = JSON.parse(JSON.stringify(deployment).replace('"readinessProbe"', '"readynessProbe"').replace('"revisionHistoryLimit":5', '"revisionHistoryLimit":"five"')) as Manifest;
  const said = compile({ manifests: asTypeScript(manifests), wrong: asTypeScript([wrong]) });
  expect(said['manifests']).toEqual([]);
  expect(said['wrong']?.join('\n')).toMatch(/readynessProbe|Type 'string' is not assignable to type 'number'/);
  expect(manifests.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['Deployment', 'Service', 'PodDisruptionBudget', 'HorizontalPodAutoscaler', 'Ingress', 'NetworkPolicy', 'Secret', 'Namespace']));
});

test('the file of the registry loads, and the secret has what it and Headgate need', async () => {
  const [secret] = of('Secret');
  const variables = Object.fromEntries(Object.keys(secret?.stringData ?? {}).map((name) => [name, 'a-secret-for-tests']));
  const registry = parseRegistry(await read('headgate.yaml'), 'headgate.yaml', { variables, sandboxAllowed: false });
  expect(registry.policies.audiences.size).toBe(1);
  expect(Object.values(secret?.stringData ?? {}).join('')).toBe('');
  expect(Object.keys(variables)).toEqual(expect.arrayContaining(['DATABASE_URL', 'HEADGATE_READ_TOKEN', 'HEADGATE_OPERATOR_TOKEN']));
});

test('what kustomize puts together is there, and no secret among it', async () => {
  for (const resource of kustomization.resources) expect(files).toContain(resource);
  expect(kustomization.resources).not.toContain('secret.example.yaml');
  for (const { files: generated = [] } of kustomization.configMapGenerator) for (const file of generated) await read(file);
  const names = kustomization.configMapGenerator.map(({ name }) => name);
  for (const { pod, container } of containers) {
    for (const { configMapRef, secretRef } of container.envFrom) {
      if (configMapRef) expect(names).toContain(configMapRef.name);
      if (secretRef) expect(of('Secret').map(({ metadata }) => metadata.name)).toContain(secretRef.name);
    }
    for (const { configMap } of pod.spec.volumes) if (configMap) expect(names).toContain(configMap.name);
    for (const { name } of container.volumeMounts) expect(pod.spec.volumes.map((volume) => volume.name)).toContain(name);
  }
});

test('selectors, services, scalers and the ingress find what they are about', () => {
  const pods = of('Deployment').map(({ metadata, spec }) => ({ name: metadata.name, labels: spec.template.metadata.labels, ports: spec.template.spec.containers[0]!.ports.map(({ name }) => name) }));
  const matching = (labels: Record<string, string>) => pods.filter((pod) => Object.entries(labels).every(([key, value]) => pod.labels[key] === value));
  for (const { kind, spec } of manifests) {
    if (['Deployment', 'PodDisruptionBudget', 'PodMonitor'].includes(kind)) expect(matching(spec.selector.matchLabels!)).toHaveLength(1);
    if (kind === 'Service') for (const { targetPort } of spec.ports) expect(matching(spec.selector)[0]?.ports).toContain(targetPort);
    if (kind === 'HorizontalPodAutoscaler') expect(pods.map(({ name }) => name)).toContain(spec.scaleTargetRef.name);
  }
  for (const { spec } of of('Ingress')) {
    const { service } = spec.rules[0]!.http.paths[0]!.backend;
    const found = of('Service').find(({ metadata }) => metadata.name === service.name);
    expect(found?.spec.ports.map(({ name }) => name)).toContain(service.port.name);
  }
});

test.each(containers.map((one) => [one.container.command.join(' '), one] as const))('%s has its ports, its probes and the time that it takes to end', async (_command, { pod, container }) => {
  const [port] = container.ports;
  const given = Object.fromEntries(container.env.map(({ name, value }) => [name, value]));
  const environment = readEnvironment(given);
  expect(port?.containerPort).toBe(container.command[1] === 'src/server.ts' ? environment.HEADGATE_PORT : environment.HEADGATE_METRICS_PORT);
  expect(container.volumeMounts.map(({ mountPath }) => mountPath)).toContain(environment.HEADGATE_CONFIG?.replace(/\/[^/]+$/, ''));
  for (const [probe, path] of [[container.startupProbe, '/healthz'], [container.livenessProbe, '/healthz'], [container.readinessProbe, '/readyz']] as const) expect(probe.httpGet).toEqual({ path, port: port?.name });
  // An api's drain, or a worker's turn with its last call (shutdownForceTime), and some seconds to close what is open.
  expect(pod.spec.terminationGracePeriodSeconds * 1_000).toBeGreaterThanOrEqual(environment.drainMs + 20_000);
  expect(pod.spec.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
  expect(container).toMatchObject({ securityContext: { readOnlyRootFilesystem: true, allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } } });
  // Kubernetes would set HEADGATE_PORT and TEMPORAL_PORT to URLs where services have these names.
  expect(pod.spec.enableServiceLinks).toBe(false);
  const code = await readFile(new URL('../../src/config/environment.ts', import.meta.url), 'utf8');
  for (const name of Object.keys(given)) expect(code).toMatch(new RegExp(`^ {2}${name}: `, 'm'));
});
