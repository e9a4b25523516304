/** Something on this machine stops the embedded set-up. The message is one sentence that says what, where and what to do. */
export class EmbeddedError extends Error {
  override readonly name = 'EmbeddedError';
}
