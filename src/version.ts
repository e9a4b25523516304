/** What this Headgate is, as package.json says, which lies beside src/ and, in the npm package, beside dist/. Everything that tells a version asks here. */
import { readFileSync } from 'node:fs';

const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string; license: string };

export const VERSION = manifest.version;
/** By SPDX's name. */
export const LICENSE = manifest.license;
