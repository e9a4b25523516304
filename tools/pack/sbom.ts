/** The list of what is in the package, for machines: CycloneDX, of the lock's production dependencies. */
import { licenceOf } from './licences.ts';
import { readLock, type PackageJson } from './package-json.ts';
import { run } from './run.ts';

interface Component {
  type: string;
  name: string;
  version: string;
  licenses?: unknown;
  properties?: { name: string; value: string }[];
}

interface Bom {
  serialNumber?: string;
  metadata: { timestamp?: string; component: Component };
  components: Component[];
}

/** The same lock gives the same text: what differs from run to run (a number, a time) is optional and left out. */
export async function makeSbom({ name, version }: PackageJson): Promise<string> {
  const bom = JSON.parse(await run('npm', ['sbom', '--sbom-format', 'cyclonedx', '--sbom-type', 'application', '--package-lock-only', '--omit', 'dev'])) as Bom;
  delete bom.serialNumber;
  delete bom.metadata.timestamp;
  // npm takes the folder's name.
  Object.assign(bom.metadata.component, { name, version });
  const { component } = bom.metadata;
  component.properties = (component.properties ?? []).filter((one) => one.name !== 'cdx:npm:package:private');
  const lock = new Map((await readLock()).map((locked) => [`${locked.name}@${locked.version}`, locked]));
  for (const one of bom.components) {
    const locked = lock.get(`${one.name}@${one.version}`);
    if (one.licenses === undefined && locked) one.licenses = [{ license: { id: licenceOf(locked) } }];
  }
  return `${JSON.stringify(bom, null, 1)}\n`;
}
