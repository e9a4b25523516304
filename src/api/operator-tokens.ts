/** Tokens of operators: one that all share, and named ones, so that "who" means something. */
import { sameText } from './verify-signature.ts';

export interface NamedToken {
  /** Null: the one that all share. */
  name: string | null;
  token: string;
}

/** Compares with all of them, whichever it is. Undefined when it is none. */
export function tokenOf(tokens: readonly NamedToken[], given: string): NamedToken | undefined {
  return tokens.map((one) => (sameText(one.token, given) ? one : undefined)).find((one) => one !== undefined);
}

/** What stands in the audit log for it. */
export const credentialOf = ({ name }: NamedToken): string => (name === null ? 'the operator token' : `the token of ${name}`);
