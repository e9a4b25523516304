/** How a client, a worker or a replay of a namespace reads and writes payloads: one and the same for all of them. */
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { DataConverter } from '@temporalio/common';
import type { Keyring } from './keyring.ts';
import { EncryptingCodec } from './payload-codec.ts';

/** Beside this file and of its kind: `.ts` here, `.js` in the package. */
const FAILURES = fileURLToPath(new URL(`./encoded-failures${extname(import.meta.url)}`, import.meta.url));

export function dataConverterOf(keyring: Keyring, namespace: string): DataConverter {
  return { payloadCodecs: [new EncryptingCodec(keyring, namespace)], ...(keyring.isOn ? { failureConverterPath: FAILURES } : {}) };
}
