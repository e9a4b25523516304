/** The keys of payloads as they are written down: `2026-11:<base64>,2026-05:<base64>`. No message here ever holds a key. */
import { createSecretKey, randomBytes, type KeyObject } from 'node:crypto';

export const KEYS_VARIABLE = 'HEADGATE_ENCRYPTION_KEYS';
export const KEYS_FILE_VARIABLE = 'HEADGATE_ENCRYPTION_KEYS_FILE';

export interface EncryptionKey {
  id: string;
  secret: KeyObject;
}

/** What is configured: every key reads; the first one writes. */
export interface KeySet {
  /** Undefined: payloads are written as they are. */
  writing: EncryptionKey | undefined;
  all: ReadonlyMap<string, EncryptionKey>;
}

export const NO_KEYS: KeySet = { writing: undefined, all: new Map() };

/** AES-256. */
const KEY_BYTES = 32;
/** In the first place it switches writing off, while the keys behind it go on reading. */
const PLAIN = 'plain';
/** Shorter than a key in base64, so that a key in the place of an id is refused, and never repeated in a message. */
const ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$/;
const BASE64 = /^[A-Za-z0-9+/_-]+={0,2}$/;

/** Reads what a setting or a file holds, a key to an entry, parted by commas or line breaks; `#` begins a comment. Every mistake is named, by its place. */
export function parseKeys(text: string): { keys: KeySet; problems: string[] } {
  const entries = text.split(/\r?\n/).map((line) => line.replace(/(^|\s)#.*$/, '')).join(',').split(',').map((entry) => entry.trim()).filter((entry) => entry !== '');
  const all = new Map<string, EncryptionKey>();
  const problems: string[] = entries.length === 0 ? ['holds no key: `headgate encryption new-key` makes one'] : [];
  for (const [index, entry] of entries.entries()) {
    const problem = entry === PLAIN ? whyNotPlain(index, entries.length) : addKey(entry, all);
    if (problem !== undefined) problems.push(`entry ${String(index + 1)} ${problem}`);
  }
  const [first] = all.values();
  return { keys: { writing: entries[0] === PLAIN ? undefined : first, all }, problems };
}

function whyNotPlain(index: number, count: number): string | undefined {
  if (index > 0) return `is \`${PLAIN}\`, which means something in the first place only: write nothing encrypted any more. Plain payloads are always read`;
  return count === 1 ? `is \`${PLAIN}\` with no key behind it: to have no encryption, unset the setting` : undefined;
}

/** Returns what is wrong with it. */
function addKey(entry: string, all: Map<string, EncryptionKey>): string | undefined {
  const colon = entry.indexOf(':');
  if (colon === -1) return 'has no key id: write id:key, such as 2026-11:<base64>';
  const [id, encoded] = [entry.slice(0, colon).trim(), entry.slice(colon + 1).trim()];
  if (!ID.test(id)) return 'has a key id that is not 1 to 32 letters, digits, dots, dashes and underscores';
  if (id === PLAIN) return `has the key id \`${PLAIN}\`, which is taken: give it another`;
  const bytes = BASE64.test(encoded) ? Buffer.from(encoded, 'base64') : Buffer.alloc(0);
  if (bytes.length !== KEY_BYTES) return `(${id}) is not a key of 32 bytes in base64: \`headgate encryption new-key\` makes one`;
  if (bytes.every((byte) => byte === bytes[0])) return `(${id}) is not random: \`headgate encryption new-key\` makes a key that is`;
  if (all.has(id)) return `(${id}) is there twice: two keys cannot go by one id`;
  const secret = createSecretKey(bytes);
  const twin = [...all.values()].find((other) => other.secret.equals(secret));
  if (twin) return `(${id}) is the same key as ${twin.id}: a new id needs a new key`;
  all.set(id, { id, secret });
  return undefined;
}

/** A new key as it goes into the setting. Throws when the id cannot be one. */
export function writeNewKey(id: string): string {
  const written = `${id}:${randomBytes(KEY_BYTES).toString('base64')}`;
  const [problem] = parseKeys(written).problems;
  if (problem !== undefined) throw new Error(`--id: ${problem}`);
  return written;
}
