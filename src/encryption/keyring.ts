/** The keys that a process has, from the environment or from a mounted file that is looked at again while it runs. */
import { readFileSync } from 'node:fs';
import { ConfigurationError } from '../config/configuration-error.ts';
import type { Logger } from '../monitoring/logger.ts';
import { KEYS_FILE_VARIABLE, KEYS_VARIABLE, NO_KEYS, parseKeys, type EncryptionKey, type KeySet } from './keys.ts';

/** A file is read again when a payload wants a key that is not in it, and otherwise so often, when payloads are at hand. */
const REREAD_MS = 30_000;
/** Payloads of an unknown key come in crowds. */
const REREAD_FOR_UNKNOWN_MS = 1_000;

export interface KeyringOptions {
  keys?: KeySet;
  /** Where keys are read from, now and later. */
  file?: string;
  now?: () => number;
}

export class Keyring {
  #keys: KeySet;
  readonly #file: string | undefined;
  readonly #now: () => number;
  #text: string | undefined;
  #readAt = 0;
  #logger: Logger | undefined;

  /** Throws ConfigurationError when the file has mistakes or cannot be read. */
  constructor({ keys = NO_KEYS, file, now = Date.now }: KeyringOptions = {}) {
    this.#keys = keys;
    this.#file = file;
    this.#now = now;
    if (file === undefined) return;
    const problems = this.#read(file);
    if (problems.length > 0) throw new ConfigurationError('The environment has mistakes', problems.map((problem) => `${KEYS_FILE_VARIABLE}: ${file} ${problem}`));
  }

  /** Whether there are keys at all. Without, everything is plain, and encrypted payloads cannot be read. */
  get isOn(): boolean {
    return this.#keys.all.size > 0;
  }

  /** The key that new payloads are encrypted with; undefined: they stay plain. */
  get writing(): EncryptionKey | undefined {
    if (this.#file !== undefined && this.#now() - this.#readAt >= REREAD_MS) this.#readAgain(this.#file);
    return this.#keys.writing;
  }

  find(id: string): EncryptionKey | undefined {
    const found = this.#keys.all.get(id);
    if (found !== undefined || this.#file === undefined || this.#now() - this.#readAt < REREAD_FOR_UNKNOWN_MS) return found;
    this.#readAgain(this.#file);
    return this.#keys.all.get(id);
  }

  /** The ids of the keys, the one that writes first. */
  get ids(): string[] {
    return [...this.#keys.all.keys()];
  }

  /** The setting that the keys come from, for messages. */
  get setting(): string {
    return this.#file === undefined ? KEYS_VARIABLE : `${KEYS_FILE_VARIABLE} (${this.#file})`;
  }

  /** Says what is on, and from now on what changes. Ids only. */
  logTo(logger: Logger): void {
    this.#logger = logger;
    if (this.isOn) logger.info(this.#summary(), this.#keys.writing ? 'Payloads in Temporal are encrypted.' : 'Payloads in Temporal are written plain, and encrypted ones can be read.');
  }

  #summary(): object {
    return { writes_with: this.#keys.writing?.id ?? null, reads_with: this.ids };
  }

  /** A file that is gone or broken for a moment changes nothing: what was read last stays. */
  #readAgain(file: string): void {
    const before = this.#text;
    const problems = this.#read(file);
    if (problems.length > 0) this.#logger?.error({ file, problems }, `The keys of ${KEYS_FILE_VARIABLE} cannot be read again; those that were read last stay in use.`);
    else if (this.#text !== before) this.#logger?.info(this.#summary(), 'The encryption keys were read again.');
  }

  #read(file: string): string[] {
    this.#readAt = this.#now();
    let text: string;
    try {
      text = readFileSync(file, 'utf8');
    } catch (error) {
      return [`cannot be read (${(error as { code?: string }).code ?? 'unknown reason'})`];
    }
    if (text === this.#text) return [];
    const { keys, problems } = parseKeys(text);
    if (problems.length > 0) return problems;
    this.#text = text;
    this.#keys = keys;
    return [];
  }
}

/** What is wrong with the settings of encryption, without opening a file. */
export function checkKeySettings(variables: Readonly<Record<string, string | undefined>>): string[] {
  const { keys, file } = settingsIn(variables);
  if (keys !== undefined && file !== undefined) return [`${KEYS_VARIABLE}: and ${KEYS_FILE_VARIABLE} are both set: set one of them`];
  return keys === undefined ? [] : parseKeys(keys).problems.map((problem) => `${KEYS_VARIABLE}: ${problem}`);
}

/** Throws ConfigurationError with every mistake. Nothing is set: a keyring without keys. */
export function openKeyring(variables: Readonly<Record<string, string | undefined>>): Keyring {
  const problems = checkKeySettings(variables);
  if (problems.length > 0) throw new ConfigurationError('The environment has mistakes', problems);
  const { keys, file } = settingsIn(variables);
  return new Keyring({ ...(keys === undefined ? {} : { keys: parseKeys(keys).keys }), ...(file === undefined ? {} : { file }) });
}

function settingsIn(variables: Readonly<Record<string, string | undefined>>): { keys: string | undefined; file: string | undefined } {
  const given = (name: string): string | undefined => (variables[name]?.trim() === '' ? undefined : variables[name]?.trim());
  return { keys: given(KEYS_VARIABLE), file: given(KEYS_FILE_VARIABLE) };
}
