/** The result of a command: for people, or with `--json` for programs, on standard output. */

import { harmless, harmlessJson } from './harmless.ts';

export function answer(json: boolean | undefined, result: unknown, text: () => string): void {
  process.stdout.write(`${json ? harmlessJson(result) : harmless(text())}\n`);
}

/** Of the commands that change something and get a sentence back. */
export const answerSaid = (json: boolean | undefined, said: string, more: object = {}): void => {
  answer(json, { ...more, said }, () => `${said}.`);
};
