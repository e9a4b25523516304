/** HTTP as bytes: what a well-behaved client would never send, and what comes back, whatever it is. */
import { connect, type Socket } from 'node:net';

export interface WireAnswer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

export interface Exchange {
  /** Whole answers in the order in which they came; 1xx are left out. */
  answers: WireAnswer[];
  /** Everything that came. */
  text: string;
  /** `refused`: nobody listens; `silence`: neither an answer nor an end within the deadline. */
  end: 'answered' | 'closed' | 'reset' | 'refused' | 'silence';
  ms: number;
}

export interface Sending {
  host: string;
  port: number;
  /** Sent one after the other. A number is a pause in milliseconds. */
  parts: readonly (Buffer | string | number)[];
  /** Ends when so many answers are there, or the other side has closed. Default 1; 0: only when it is closed. */
  answers?: number;
  deadlineMs: number;
  /** Ends the writing side after the last part. */
  halfClose?: boolean;
  /** Breaks off after the last part without waiting for anything. */
  abort?: boolean;
}

/** Asks again, as it is told to, where an overloaded service says so; what it says each time is no overload. */
export async function exchangePatiently(sending: Sending, attempts = 3): Promise<Exchange> {
  const seen = await exchange(sending);
  const toldToWait = seen.answers.some(({ status, headers }) => status === 503 && headers['retry-after'] !== undefined);
  if (!toldToWait || attempts <= 1) return seen;
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  return exchangePatiently(sending, attempts - 1);
}

/** Never rejects: what goes wrong is what is looked for. */
export async function exchange({ host, port, parts, answers: wanted = 1, deadlineMs, halfClose = false, abort = false }: Sending): Promise<Exchange> {
  const began = performance.now();
  const socket = connect({ host, port, noDelay: true });
  const chunks: Buffer[] = [];
  const { promise, resolve } = Promise.withResolvers<Exchange['end']>();
  const timer = setTimeout(() => {
    resolve('silence');
  }, deadlineMs);
  socket.on('data', (chunk) => {
    chunks.push(chunk);
    if (wanted > 0 && answersIn(Buffer.concat(chunks), false).length >= wanted) resolve('answered');
  });
  socket.once('end', () => {
    resolve('closed');
  });
  socket.once('close', () => {
    resolve('closed');
  });
  socket.once('error', (error: NodeJS.ErrnoException) => {
    resolve(error.code === 'ECONNREFUSED' ? 'refused' : 'reset');
  });
  void send(socket, parts).then(() => {
    if (abort) {
      socket.resetAndDestroy();
      resolve('closed');
    } else if (halfClose) socket.end();
  });
  const end = await promise;
  clearTimeout(timer);
  socket.destroy();
  const received = Buffer.concat(chunks);
  return { answers: answersIn(received, end !== 'answered'), text: received.toString('latin1'), end, ms: performance.now() - began };
}

async function send(socket: Socket, parts: Sending['parts']): Promise<void> {
  for (const part of parts) {
    if (socket.destroyed) return;
    if (typeof part === 'number') await new Promise((resolve) => setTimeout(resolve, part));
    else await new Promise<void>((resolve) => {
      const free = (): void => {
        resolve();
      };
      if (socket.write(part, free)) resolve();
      else {
        socket.once('drain', free);
        socket.once('close', free);
      }
    });
  }
}

/** @param closed the rest of the bytes is the body of an answer without a length */
export function answersIn(bytes: Buffer, closed: boolean): WireAnswer[] {
  const answers: WireAnswer[] = [];
  let at = 0;
  for (;;) {
    const headEnd = bytes.indexOf('\r\n\r\n', at);
    if (headEnd === -1) return answers;
    const [first = '', ...lines] = bytes.toString('latin1', at, headEnd).split('\r\n');
    const status = Number(/^HTTP\/1\.[01] (\d{3})\b/.exec(first)?.[1]);
    if (!status) return answers;
    const headers = Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]));
    at = headEnd + 4;
    if (status < 200) continue;
    const body = bodyAt(bytes, at, headers, status, closed);
    if (!body) return answers;
    at = body.end;
    answers.push({ status, headers, body: body.text });
  }
}

function bodyAt(bytes: Buffer, at: number, headers: Record<string, string>, status: number, closed: boolean): { text: string; end: number } | undefined {
  if (status === 204 || status === 304) return { text: '', end: at };
  if (headers['transfer-encoding'] === 'chunked') return chunkedAt(bytes, at);
  const length = headers['content-length'];
  if (length !== undefined) {
    const end = at + Number(length);
    // The answer to a HEAD says how long a GET's would be; on a connection that goes on nothing else could be told.
    return bytes.length >= end ? { text: bytes.toString('utf8', at, end), end } : closed ? { text: bytes.toString('utf8', at), end: bytes.length } : undefined;
  }
  // Errors of Node's own have neither length nor body, and close.
  return headers['connection'] === 'close' && !closed ? { text: bytes.toString('utf8', at), end: bytes.length } : closed ? { text: bytes.toString('utf8', at), end: bytes.length } : undefined;
}

function chunkedAt(bytes: Buffer, from: number): { text: string; end: number } | undefined {
  const parts: Buffer[] = [];
  for (let at = from; ; ) {
    const lineEnd = bytes.indexOf('\r\n', at);
    if (lineEnd === -1) return undefined;
    const size = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16);
    if (Number.isNaN(size) || bytes.length < lineEnd + 2 + size + 2) return undefined;
    if (size === 0) return { text: Buffer.concat(parts).toString('utf8'), end: lineEnd + 4 };
    parts.push(bytes.subarray(lineEnd + 2, lineEnd + 2 + size));
    at = lineEnd + 2 + size + 2;
  }
}
