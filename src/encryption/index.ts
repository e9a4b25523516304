/**
 * Encryption of what Temporal keeps. Knows payloads and keys, and nothing of what is in them.
 * Start reading at payload-codec.ts.
 */
export { dataConverterOf } from './data-converter.ts';
export { checkKeySettings, Keyring, openKeyring } from './keyring.ts';
export { parseKeys, writeNewKey } from './keys.ts';
export { EncryptingCodec, UnreadablePayloadError } from './payload-codec.ts';
