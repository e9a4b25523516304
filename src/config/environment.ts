/** The environment, read once: the only place in Headgate that looks at process.env. */
import { z } from 'zod';
import type { WorkerDeployment } from '../temporal/index.ts';
import { checkKeySettings } from '../encryption/keyring.ts';
import { ConfigurationError } from './configuration-error.ts';
import { parseOperatorTokens } from './operator-tokens.ts';

const port = z.coerce.number('must be a port number').int().min(0).max(65_535);
const text = z.string().trim();

/** Every variable that Headgate reads itself. Temporal's own (`TEMPORAL_API_KEY`, `TEMPORAL_TLS_…`) are read by its envconfig. */
const schema = z.object({
  HEADGATE_URL: text.optional().describe('Where the headgate command finds the API. Default: HEADGATE_HOST and HEADGATE_PORT.'),
  HEADGATE_PORT: port.default(8080).describe('Port of the API.'),
  HEADGATE_HOST: text.default('127.0.0.1').describe('Address that the API listens on.'),
  HEADGATE_DATA: text.default('./data').describe('Folder of the embedded Postgres and Temporal.'),
  HEADGATE_CONFIG: text.optional().describe('The registry. Default: ./headgate.yaml; npm start without one uses the demo.'),
  HEADGATE_SANDBOX_PORT: port.default(8090).describe('Port of the platforms\' stand-ins under npm start.'),
  HEADGATE_SANDBOX_URL: text.optional().describe('Where the stand-ins listen, for server.ts and worker.ts. Loopback only; refused in production.'),
  HEADGATE_READ_TOKEN: text.optional().describe('Bearer token of the reading API and the metrics, of api and worker. Without one they answer on loopback only.'),
  HEADGATE_OPERATOR_TOKEN: text.optional().describe('Bearer token of everything that changes something, such as replaying quarantined events. Without one that works on loopback only.'),
  HEADGATE_OPERATOR_TOKENS: text
    .transform((given, context) => {
      const { tokens, problems } = parseOperatorTokens(given);
      for (const message of problems) context.addIssue({ code: 'custom', message });
      return tokens;
    })
    .optional()
    .describe('More of them, with names: ada:TOKEN,grace:TOKEN. The audit log then says who it was.'),
  HEADGATE_METRICS_PORT: port.default(9464).describe('Port of the worker\'s /healthz, /readyz and /metrics; 0 switches them off.'),
  HEADGATE_DRAIN_SECONDS: z.coerce.number('must be a number of seconds').min(0).max(300).optional().describe('How long the API goes on answering after it was asked to stop, while /readyz sends its callers elsewhere. Default: 5 in production, else 0.'),
  HEADGATE_PUBLIC_URL: z.url('must be an address such as https://headgate.example.com').optional().describe('Where people and Customer.io reach the API: for links in alerts and for templates. Default: where it listens.'),
  HEADGATE_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info').describe('How much is logged.'),
  HEADGATE_TLS_CERT: text.optional().describe('File with the certificate, when Headgate itself serves HTTPS.'),
  HEADGATE_TLS_KEY: text.optional().describe('File with the private key of the certificate.'),
  HEADGATE_ENCRYPTION_KEYS: text.optional().describe('Keys that encrypt what Temporal keeps, such as 2026-11:<base64>,2026-05:<base64>: the first writes, all read. Default: nothing is encrypted.'),
  HEADGATE_ENCRYPTION_KEYS_FILE: text.optional().describe('File with these keys, for mounted secrets; read again while Headgate runs.'),
  HEADGATE_CODEC_PORT: port.default(8234).describe('Port of the codec server, by which the Temporal UI shows encrypted payloads.'),
  HEADGATE_CODEC_TOKEN: text.optional().describe('Bearer token of the codec server. Without one it answers on loopback only.'),
  HEADGATE_CODEC_ORIGINS: text.optional().describe('Origins of the Temporal UIs that may ask the codec server, parted by commas. Default: TEMPORAL_UI_URL, else the embedded UI.'),
  TEMPORAL_PORT: port.default(7233).describe('Port of the embedded Temporal server.'),
  TEMPORAL_UI_PORT: port.default(8233).describe('Port of the embedded Temporal UI.'),
  TEMPORAL_ADDRESS: text.optional().describe('A running Temporal server, instead of the embedded one.'),
  TEMPORAL_NAMESPACE: text.default('default').describe('Temporal namespace.'),
  TEMPORAL_WORKER_BUILD_ID: text.regex(/^(?!__)\S{1,200}$/, 'must be 1 to 200 characters without spaces, and not begin with __').optional().describe('Makes the workers a version of a deployment, such as 0.1.0 or a commit: they get work once Temporal is told that this version is current (docs/releasing.md). Without one they are not versioned.'),
  TEMPORAL_DEPLOYMENT_NAME: text.regex(/^(?!__)[^\s.:]{1,200}$/, 'must be 1 to 200 characters without spaces, dots and colons, and not begin with __').optional().describe('Name of that deployment in Temporal. Default: headgate.'),
  TEMPORAL_UI_URL: text.optional().describe('Address of the Temporal UI, for links.'),
  DATABASE_URL: text.optional().describe('Postgres 15 or newer, instead of the embedded one.'),
  OTEL_EXPORTER_OTLP_ENDPOINT: text.optional().describe('Where traces go (OTLP over HTTP), such as http://localhost:4318. Without one there are none. OpenTelemetry\'s own variables for headers and resources count too.'),
  OTEL_SERVICE_NAME: text.default('headgate').describe('Name of the service in traces.'),
  OTEL_TRACES_SAMPLER_ARG: z.coerce.number('must be a number between 0 and 1').min(0).max(1).default(1).describe('Share of events whose traces are kept.'),
  NODE_ENV: z.string().optional(),
});

/** Every setting with its default, for docs/settings.md. */
export const SETTINGS: readonly { name: string; fallback: string; what: string }[] = Object.entries(schema.shape).flatMap(([name, setting]) => {
  const fallback = setting instanceof z.ZodDefault ? String(setting.def.defaultValue) : '';
  return setting.description === undefined ? [] : [{ name, fallback, what: setting.description }];
});

/** Load balancers look at /readyz every few seconds. */
const PRODUCTION_DRAIN_S = 5;

export type Environment = z.infer<typeof schema> & {
  /** HEADGATE_DRAIN_SECONDS in milliseconds. */
  drainMs: number;
  production: boolean;
  /** What the workers are a version of, if of anything. */
  deployment?: WorkerDeployment;
  /** Everything, for `${NAME}` in the registry and for Temporal's envconfig. */
  variables: Readonly<Record<string, string | undefined>>;
};

/** Reads the environment. Throws ConfigurationError with every mistake at once. */
export function readEnvironment(variables: Readonly<Record<string, string | undefined>> = process.env): Environment {
  // `HEADGATE_PORT=` of a compose file says nothing, as if it were not there.
  const given = Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== undefined && value.trim() !== ''));
  const parsed = schema.safeParse(given);
  const problems = parsed.success ? [] : parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  if ((given['HEADGATE_TLS_CERT'] === undefined) !== (given['HEADGATE_TLS_KEY'] === undefined)) {
    problems.push('HEADGATE_TLS_CERT: needs HEADGATE_TLS_KEY, and the other way round; with one alone the API would not serve HTTPS');
  }
  if (given['TEMPORAL_DEPLOYMENT_NAME'] !== undefined && given['TEMPORAL_WORKER_BUILD_ID'] === undefined) {
    problems.push('TEMPORAL_DEPLOYMENT_NAME: needs TEMPORAL_WORKER_BUILD_ID; without it the workers are no version of anything');
  }
  problems.push(...checkKeySettings(given));
  if (!parsed.success || problems.length > 0) throw new ConfigurationError('The environment has mistakes', problems);
  const production = parsed.data.NODE_ENV === 'production';
  const { HEADGATE_DRAIN_SECONDS: drainSeconds = production ? PRODUCTION_DRAIN_S : 0, TEMPORAL_DEPLOYMENT_NAME: name = 'headgate', TEMPORAL_WORKER_BUILD_ID: buildId } = parsed.data;
  return { ...parsed.data, drainMs: drainSeconds * 1_000, production, ...(buildId === undefined ? {} : { deployment: { name, buildId } }), variables };
}
