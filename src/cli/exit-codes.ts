/** What the exit status of `headgate` means, and errors that know theirs. Scripts rely on these numbers. */

export const EXIT = { ok: 0, failed: 1, usage: 2, unreachable: 3, unauthorised: 4 } as const;

/** For the help and docs/cli.md. */
export const EXIT_MEANINGS: Readonly<Record<number, string>> = {
  [EXIT.ok]: 'it worked',
  [EXIT.failed]: 'it did not, or a problem was found',
  [EXIT.usage]: 'the command line is wrong',
  [EXIT.unreachable]: 'Headgate or Temporal does not answer',
  [EXIT.unauthorised]: 'the token is missing or wrong',
};

/** An error with an exit status of its own; every other error is `failed`. The message is a sentence for people. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly status: number;
  constructor(status: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
}
