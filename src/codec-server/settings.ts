/** What the codec server is told by the environment. */
import { ConfigurationError } from '../config/configuration-error.ts';
import type { Environment } from '../config/environment.ts';

export interface CodecServerSettings {
  host: string;
  port: number;
  token: string | undefined;
  /** Of the pages that may ask, as browsers send them. */
  origins: ReadonlySet<string>;
  /** Of requests that do not name theirs. */
  namespace: string;
}

/** Throws ConfigurationError with every mistake. */
export function codecServerSettings(environment: Environment, uiUrl = environment.TEMPORAL_UI_URL): CodecServerSettings {
  const given = environment.HEADGATE_CODEC_ORIGINS?.split(',').map((origin) => origin.trim()).filter((origin) => origin !== '');
  const problems = (given ?? []).filter((origin) => !isOrigin(origin)).map((origin) => `HEADGATE_CODEC_ORIGINS: ${JSON.stringify(origin)} is not an origin such as https://temporal.example.com, without a path`);
  if (problems.length > 0) throw new ConfigurationError('The environment has mistakes', problems);
  const embedded = [`http://127.0.0.1:${String(environment.TEMPORAL_UI_PORT)}`, `http://localhost:${String(environment.TEMPORAL_UI_PORT)}`];
  const known = uiUrl !== undefined && URL.canParse(uiUrl) ? [new URL(uiUrl).origin] : [];
  // In production nobody's machine has the embedded UI.
  const origins = new Set(given ?? [...known, ...(environment.production ? [] : embedded)]);
  return { host: environment.HEADGATE_HOST, port: environment.HEADGATE_CODEC_PORT, token: environment.HEADGATE_CODEC_TOKEN, origins, namespace: environment.TEMPORAL_NAMESPACE };
}

const isOrigin = (text: string): boolean => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol) && new URL(text).origin === text;
