/** Under which licences the packages stand that come with Headgate. `npm run licences` writes docs/licences.md. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readLock, ROOT, type LockedPackage } from './package-json.ts';

/**
 * Licences that Headgate (Apache-2.0) may be given away with, without asking anybody. Another one is a decision: whether the package is worth it, and what its
 * licence asks of those who run Headgate.
 */
export const ALLOWED: readonly string[] = ['0BSD', 'Apache-2.0', 'BlueOak-1.0.0', 'BSD-2-Clause', 'BSD-3-Clause', 'CC-BY-4.0', 'ISC', 'MIT', 'MIT-0', 'Unlicense'];

/** Packages whose manifest says nothing: what their LICENSE file says, read on the day in the comment. */
const READ_BY_HAND: Readonly<Record<string, string>> = {
  // 30 November 2026: "This is free and unencumbered software released into the public domain." and the rest of unlicense.org.
  'unionfs@4.6.0': 'Unlicense',
};

/** SPDX's expression; throws when there is none. */
export function licenceOf({ name, version, license }: LockedPackage): string {
  const found = license ?? READ_BY_HAND[`${name}@${version}`];
  if (found === undefined) throw new Error(`${name}@${version} names no licence: read its LICENSE file and put it into READ_BY_HAND of tools/pack/licences.ts.`);
  return found;
}

/** What of an SPDX expression is not allowed. With `OR`, one that is allowed is enough. */
export function refusedPartOf(expression: string): string | undefined {
  const parts = expression.replace(/[()]/g, '').split(/ AND /);
  return parts.find((part) => !part.split(' OR ').some((licence) => ALLOWED.includes(licence.trim())));
}

/** The page. Packages that are there in several versions have a line for each. */
export async function renderLicences(): Promise<string> {
  const byLicence = new Map<string, Set<string>>();
  for (const locked of (await readLock()).filter(({ dev }) => dev !== true)) {
    const licence = licenceOf(locked);
    byLicence.set(licence, (byLicence.get(licence) ?? new Set()).add(`${locked.name} ${locked.version}`));
  }
  const sections = [...byLicence].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([licence, packages]) => `## ${licence}\n\n${[...packages].toSorted().join(' · ')}\n`);
  return `# Licences of what comes with Headgate

The packages that \`npm ci --omit=dev\` may install (some are for other systems than yours), by licence. \`npm run licences\` writes this page anew from package-lock.json after a dependency changed;
a test holds both together, and refuses a licence that is not on the list in \`tools/pack/licences.ts\`. Each package has its licence's text with it. For machines: the npm package has \`dist/sbom.cdx.json\` (CycloneDX).

The embedded Postgres is under the PostgreSQL Licence, the Node that npm installs under MIT and those of its parts, the Temporal server under MIT; they are programs that Headgate starts.

${sections.join('\n')}`;
}

if (import.meta.main) await writeFile(join(ROOT, 'docs/licences.md'), await renderLicences());
