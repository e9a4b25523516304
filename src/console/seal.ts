/** Values that a browser keeps for us and cannot change: signed, with an end. */
import { createHmac, randomBytes, scryptSync } from 'node:crypto';
import { sameText, type AccessOptions } from '../api/index.ts';

/**
 * The key is the same in every api process with these tokens, and another one as soon as a token is changed, which ends all sessions.
 * It is stretched, because whoever opens the sign-in page gets something signed by it, to try tokens on.
 * @returns a random key when there are no tokens
 */
export function sealingKey({ readToken, operatorTokens }: Pick<AccessOptions, 'readToken' | 'operatorTokens'>): Buffer {
  if (readToken === undefined && operatorTokens.length === 0) return randomBytes(32);
  return scryptSync(JSON.stringify([readToken ?? null, ...operatorTokens.map(({ name, token }) => [name, token])]), 'headgate console', 32, { N: 16_384, r: 8, p: 1 });
}

export class Seal {
  readonly #key: Buffer;
  constructor(key: Buffer) {
    this.#key = key;
  }

  /** @param purpose what it is for: a value of another purpose is not taken */
  seal(purpose: string, value: unknown, endsAt: number): string {
    const body = Buffer.from(JSON.stringify({ value, endsAt })).toString('base64url');
    return `${body}.${this.sign(purpose, body)}`;
  }

  /** Undefined when it is not ours, was changed, or is over. */
  open(purpose: string, sealed: string | undefined, now: number): unknown {
    const [body, signature, ...rest] = (sealed ?? '').split('.');
    if (body === undefined || signature === undefined || rest.length > 0 || !sameText(this.sign(purpose, body), signature)) return undefined;
    const { value, endsAt } = JSON.parse(Buffer.from(body, 'base64url').toString('utf8')) as { value: unknown; endsAt: number };
    return endsAt > now ? value : undefined;
  }

  sign(purpose: string, text: string): string {
    return createHmac('sha256', this.#key).update(`${purpose}\n${text}`).digest('base64url');
  }
}
