/**
 * Encrypts what Temporal keeps: AES-256-GCM with a random nonce for each payload. The whole payload is inside, with its own metadata; outside stand the encoding and
 * the id of the key. Not compressed: what an event holds is small, and the length of a compressed text tells of its content (docs/encryption.md).
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { Payload, PayloadCodec } from '@temporalio/common';
import proto from '@temporalio/proto';
import type { EncryptionKey } from './keys.ts';
import type { Keyring } from './keyring.ts';

const { Payload: PayloadMessage } = proto.temporal.api.common.v1;

const ALGORITHM = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const ENCRYPTED = Buffer.from('binary/encrypted');
const KEY_ID = 'encryption-key-id';

/** A payload that this process cannot read. Temporal tries again, so nothing is lost by it. */
export class UnreadablePayloadError extends Error {
  override readonly name = 'UnreadablePayload';
}

/** For the payloads of one namespace. With a keyring without keys it changes nothing, and says of an encrypted payload what is missing. */
export class EncryptingCodec implements PayloadCodec {
  readonly #keyring: Keyring;
  readonly #namespace: string;

  constructor(keyring: Keyring, namespace: string) {
    this.#keyring = keyring;
    this.#namespace = namespace;
  }

  encode(payloads: Payload[]): Promise<Payload[]> {
    const key = this.#keyring.writing;
    return Promise.resolve(key === undefined ? payloads : payloads.map((payload) => this.#seal(payload, key)));
  }

  /** Plain payloads pass: encryption may be switched on while workflows sleep. Rejects with UnreadablePayloadError. */
  // eslint-disable-next-line @typescript-eslint/require-await -- so that it rejects where it would throw
  async decode(payloads: Payload[]): Promise<Payload[]> {
    return payloads.some(isEncrypted) ? payloads.map((payload) => (isEncrypted(payload) ? this.#open(payload) : payload)) : payloads;
  }

  #seal(payload: Payload, key: EncryptionKey): Payload {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(ALGORITHM, key.secret, nonce).setAAD(this.#boundTo(key.id));
    const data = Buffer.concat([nonce, cipher.update(PayloadMessage.encode(payload).finish()), cipher.final(), cipher.getAuthTag()]);
    return { metadata: { encoding: ENCRYPTED, [KEY_ID]: Buffer.from(key.id) }, data };
  }

  #open({ metadata, data }: Payload): Payload {
    const id = Buffer.from(metadata?.[KEY_ID] ?? []).toString();
    const key = this.#keyring.find(id);
    if (key === undefined) throw new UnreadablePayloadError(this.#whatIsMissing(id));
    try {
      const sealed = Buffer.from(data ?? []);
      const decipher = createDecipheriv(ALGORITHM, key.secret, sealed.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES }).setAAD(this.#boundTo(id)).setAuthTag(sealed.subarray(-TAG_BYTES));
      return PayloadMessage.decode(Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]));
    } catch (cause) {
      throw new UnreadablePayloadError(`A payload of the key ${id} cannot be opened: it was changed, it comes from another namespace than ${this.#namespace}, or this process has another key by that id in ${this.#keyring.setting}.`, { cause });
    }
  }

  /**
   * A payload that is carried into another namespace does not open there, and neither does one under another key's id. Not bound to the workflow: the Temporal UI
   * and the CLI ask a codec server for payloads, and do not say which workflow they come from.
   */
  #boundTo(keyId: string): Buffer {
    return Buffer.from(JSON.stringify(['headgate-payload-1', this.#namespace, keyId]));
  }

  /** The id may be anybody's text. */
  #whatIsMissing(id: string): string {
    const name = JSON.stringify(id.slice(0, 64));
    const { ids, setting } = this.#keyring;
    const has = ids.length === 0 ? 'it has none' : `it has ${ids.join(', ')}`;
    return `A payload is encrypted with the key ${name}, which this process does not have (${has}). Add that key to ${setting}; nothing is lost, Temporal tries again until it is there.`;
  }
}

const isEncrypted = ({ metadata }: Payload): boolean => metadata?.['encoding']?.length === ENCRYPTED.length && ENCRYPTED.equals(metadata['encoding']);
