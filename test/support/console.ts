/** The console alone, on a ledger, without Temporal and workers: for tests of who may do what. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { catalog } from '../../src/destinations/catalog.ts';
import { identifyPerson } from '../../src/destinations/identify-person.ts';
import { hashOnce, normaliseEmail } from '../../src/destinations/user-data.ts';
import { AuditLog } from '../../src/api/index.ts';
import { createConsole, type ConsoleOptions } from '../../src/console/index.ts';
import type { HeadgateEvent } from '../../src/domain/event.ts';
import type { Ledger } from '../../src/ledger/index.ts';
import { createLogger } from '../../src/monitoring/logger.ts';
import { createMetrics } from '../../src/monitoring/metrics.ts';
import { targetKey, type TargetRef } from '../../src/domain/registry.ts';
import { makePolicies } from './events.ts';

export interface TestConsole {
  url: string;
  /** What operators have asked for: `pause meta_main/high_intent_cart_7d_v1`. */
  asked: string[];
  /** Test events that were sent. */
  sent: HeadgateEvent[];
  close: () => Promise<void>;
}

/** What a console is built from here; what operators ask for is only noted. */
export function consoleOptions(ledger: Ledger, { asked = [], sent = [] }: { asked?: string[]; sent?: HeadgateEvent[] } = {}): ConsoleOptions {
  const logger = createLogger({ level: 'silent', pretty: false });
  const note = (action: string) => (target: TargetRef): Promise<string> => {
    asked.push(`${action} ${targetKey(target)}`);
    return Promise.resolve(`${action} done`);
  };
  const source = { name: 'demo', people: 'demo', signingSecrets: ['s'], bearerTokens: [], signatureAgeMs: 300_000, reportingSecrets: [], reports: { workflowsOnlyWhereNeeded: false, endsMemberships: [] } };
  return {
    ledger,
    policies: makePolicies(),
    watching: { sizesEveryMs: 6 * 3_600_000, prices: null },
    sources: new Map([['demo', source]]),
    identify: (person) => identifyPerson(person, [...catalog.values()]),
    emailHash: (email) => {
      const normalised = normaliseEmail(email);
      return normalised === undefined ? undefined : hashOnce(normalised);
    },
    onCommitted: () => undefined,
    watchdog: { view: { ledger: true, temporal: true, problems: [] } },
    commit: {
      submit: (event) => {
        sent.push(event);
        return Promise.resolve({ kind: 'decided', decision: { status: 'test', personId: null } });
      },
    },
    actions: { pause: note('pause'), resume: note('resume'), retry: note('retry'), pushNow: note('push') },
    host: '127.0.0.1',
    readToken: undefined,
    operatorTokens: [],
    audit: new AuditLog({ ledger, logger }),
    temporalUi: undefined,
    logger,
    metrics: createMetrics(),
  };
}

export async function startConsole(ledger: Ledger, overrides: Partial<ConsoleOptions> = {}): Promise<TestConsole> {
  const asked: string[] = [];
  const sent: HeadgateEvent[] = [];
  const app = express();
  app.use('/console', createConsole({ ...consoleOptions(ledger, { asked, sent }), ...overrides }));
  const server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/console`,
    asked,
    sent,
    close: () => new Promise((resolve) => {
      server.closeAllConnections();
      server.close(() => { resolve(); });
    }),
  };
}

/** A browser as far as these tests need one: it keeps cookies, and sends forms as pages do. */
export class Visitor {
  readonly #url: string;
  readonly cookies = new Map<string, string>();
  constructor(url: string) {
    this.#url = url;
  }

  async get(path: string, headers: Record<string, string> = {}): Promise<Response> {
    return this.#keep(await fetch(`${this.#url}${path}`, { redirect: 'manual', headers: { cookie: this.#cookie(), ...headers } }));
  }

  /** @param formToken absent: that of the page at `from` */
  async post(path: string, fields: Record<string, string> = {}, { headers = {}, formToken, from = '/sign-in' }: { headers?: Record<string, string>; formToken?: string; from?: string } = {}): Promise<Response> {
    const token = formToken ?? (await this.formToken(from));
    const own = { cookie: this.#cookie(), origin: new URL(this.#url).origin, 'sec-fetch-site': 'same-origin', 'content-type': 'application/x-www-form-urlencoded' };
    return this.#keep(await fetch(`${this.#url}${path}`, { method: 'POST', redirect: 'manual', headers: { ...own, ...headers }, body: new URLSearchParams({ form_token: token, ...fields }) }));
  }

  async formToken(from = '/sign-in'): Promise<string> {
    return /name="form_token" value="([^"]+)"/.exec(await (await this.get(from)).text())?.[1] ?? '';
  }

  async signIn(token: string, name = 'Grace'): Promise<this> {
    await this.post('/sign-in', { token, name });
    return this;
  }

  #cookie(): string {
    return [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  }

  #keep(response: Response): Response {
    for (const cookie of response.headers.getSetCookie()) {
      const [name = '', value = ''] = (cookie.split(';')[0] ?? '').split('=');
      if (value === '') this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
    return response;
  }
}
