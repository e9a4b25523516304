import { sha256 } from '../../src/destinations/user-data.ts';

export interface Somebody {
  /** What a webhook says of them. */
  person: { email: string; customer_id: string };
  /** The e-mail as the sandbox knows it. */
  hash: string;
}

/** A person nobody else in the run has. */
export function somebody(): Somebody {
  const name = crypto.randomUUID();
  return { person: { email: `${name}@example.com`, customer_id: `c_${name}` }, hash: sha256(`${name}@example.com`) };
}

export const seconds = (): number => Date.now() / 1_000;
export const DAY_S = 86_400;
