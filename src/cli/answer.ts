/** The result of a command: for people, or with `--json` for programs, on standard output. */

export function answer(json: boolean | undefined, result: unknown, text: () => string): void {
  process.stdout.write(`${json ? JSON.stringify(result) : text()}\n`);
}

/** Of the commands that change something and get a sentence back. */
export const answerSaid = (json: boolean | undefined, said: string, more: object = {}): void => {
  answer(json, { ...more, said }, () => `${said}.`);
};
