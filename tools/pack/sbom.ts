/** The list of what is in the package, for machines: CycloneDX, of the lock's production dependencies. */
import { licenceOf } from './licences.ts';
import { readLock, type PackageJson } from './package-json.ts';
import { run } from './run.ts';

interface Component {
  'bom-ref': string;
  type: string;
  name: string;
  version: string;
  description?: string;
  licenses?: unknown;
  properties?: { name: string; value: string }[];
}

interface Bom {
  serialNumber?: string;
  metadata: { timestamp?: string; component: Component };
  components: Component[];
  dependencies: { ref: string; dependsOn: string[] }[];
}

/**
 * The same lock gives the same text: what differs from run to run (a number, a time) is optional and left out. `npm sbom --omit dev` would leave out whatever a
 * devDependency needs too (68 of 327 packages, npm 11.19), so it lists all, and the lock says which of them production has.
 */
export async function makeSbom({ name, version, description, dependencies }: PackageJson): Promise<string> {
  const bom = JSON.parse(await run('npm', ['sbom', '--sbom-format', 'cyclonedx', '--sbom-type', 'application', '--package-lock-only'])) as Bom;
  const lock = new Map((await readLock()).filter(({ dev }) => dev !== true).map((locked) => [`${locked.name}@${locked.version}`, locked]));
  const root = `${name}@${version}`;
  const kept = (ref: string): boolean => ref === root || lock.has(ref);
  // Some of our devDependencies are also there because a dependency needs them.
  const keptFrom = (from: string, to: string): boolean => kept(to) && (from !== root || Object.hasOwn(dependencies, to.slice(0, to.lastIndexOf('@'))));

  delete bom.serialNumber;
  delete bom.metadata.timestamp;
  // npm takes the folder's name.
  bom.metadata.component = { ...bom.metadata.component, name, version, description, properties: [] };
  bom.components = bom.components.filter((one) => kept(one['bom-ref']));
  bom.dependencies = bom.dependencies.filter(({ ref }) => kept(ref)).map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((to) => keptFrom(ref, to)) }));
  for (const component of bom.components) {
    const locked = lock.get(component['bom-ref']);
    if (component.licenses === undefined && locked) component.licenses = [{ license: { id: licenceOf(locked) } }];
  }
  return `${JSON.stringify(bom, null, 1)}\n`;
}
