/** `HEADGATE_OPERATOR_TOKENS`: tokens with names, so that the audit log can say who it was. */
import type { NamedToken } from '../api/index.ts';

const NAME = /^[A-Za-z][A-Za-z0-9._-]{0,39}$/;
/** Wrong tokens cost a guesser nothing but time, so a token has to be longer than anybody can guess. */
const SHORTEST = 16;

/** `ada:token,grace:token`. What is said of a mistake names entries by their place: a part that is in the wrong place may be a token. */
export function parseOperatorTokens(text: string): { tokens: NamedToken[]; problems: string[] } {
  const problems: string[] = [];
  const tokens = text.split(',').map((part) => part.trim()).filter((part) => part !== '').map((part, index): NamedToken => {
    const [name = '', ...rest] = part.split(':');
    const [place, token] = [`entry ${String(index + 1)}`, rest.join(':').trim()];
    if (rest.length === 0 || !NAME.test(name.trim())) problems.push(`${place} must be NAME:TOKEN, the name of letters, digits and . _ - (at most 40)`);
    else if (token.length < SHORTEST) problems.push(`the token of ${place} is too short: at least ${String(SHORTEST)} characters that nobody can guess, such as those of \`openssl rand -hex 24\``);
    return { name: name.trim(), token };
  });
  for (const [index, { token }] of tokens.entries()) {
    const twin = tokens.findIndex((other) => other.token === token);
    if (twin < index && token !== '') problems.push(`entries ${String(twin + 1)} and ${String(index + 1)} have the same token: then nobody can tell who it was`);
  }
  return { tokens, problems };
}

/** All tokens that operate. */
export const operatorTokensOf = (given: { HEADGATE_OPERATOR_TOKEN?: string | undefined; HEADGATE_OPERATOR_TOKENS?: readonly NamedToken[] | undefined }): NamedToken[] => [
  ...(given.HEADGATE_OPERATOR_TOKEN === undefined ? [] : [{ name: null, token: given.HEADGATE_OPERATOR_TOKEN }]),
  ...(given.HEADGATE_OPERATOR_TOKENS ?? []),
];
