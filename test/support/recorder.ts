/** A platform that answers what it is told to, and writes down what it was sent: for what a call looks like on the wire. */
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Recorded {
  method: string;
  /** With its query. */
  path: string;
  headers: IncomingHttpHeaders;
  /** The parsed JSON, or the text where it is none. */
  body: unknown;
  bytes: number;
}

export interface Answer {
  status?: number;
  headers?: Record<string, string>;
  /** An object is sent as JSON. */
  body?: object | string;
}

export interface Recorder {
  url: string;
  /** What it was sent, the oldest first. */
  calls: Recorded[];
  /** Answers of the next calls; the last one is given again. Forgets the calls of before. */
  answers: (...answers: Answer[]) => void;
  close: () => Promise<void>;
}

export async function startRecorder(): Promise<Recorder> {
  let queue: Answer[] = [{}];
  const calls: Recorded[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const sent = Buffer.concat(chunks);
      calls.push({ method: request.method ?? '', path: request.url ?? '', headers: request.headers, body: parse(sent.toString('utf8')), bytes: sent.length });
      const { status = 200, headers = {}, body = {} } = (queue.length > 1 ? queue.shift() : queue[0]) ?? {};
      response.writeHead(status, { 'content-type': typeof body === 'string' ? 'text/html' : 'application/json', ...headers });
      response.end(typeof body === 'string' ? body : JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    calls,
    answers: (...answers) => {
      queue = answers;
      calls.length = 0;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => { resolve(); });
        server.closeAllConnections();
      }),
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
