/** Text files, written in large pieces and safe on the disk when they are done. */
import { open, type FileHandle } from 'node:fs/promises';

const PIECE_CHARACTERS = 1_000_000;

export class TextFile {
  readonly #handle: FileHandle;
  #pieces: string[] = [];
  #length = 0;

  private constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  static async create(path: string): Promise<TextFile> {
    return new TextFile(await open(path, 'w'));
  }

  async write(text: string): Promise<void> {
    this.#pieces.push(text);
    this.#length += text.length;
    if (this.#length >= PIECE_CHARACTERS) await this.#flush();
  }

  async finish(): Promise<void> {
    await this.#flush();
    await this.#handle.sync();
    await this.#handle.close();
  }

  async #flush(): Promise<void> {
    await this.#handle.appendFile(this.#pieces.join(''));
    this.#pieces = [];
    this.#length = 0;
  }
}
