/**
 * Access tokens of Google, by google-auth-library: a service account, Application Default Credentials, workload identity, impersonation. Shared by
 * whatever talks to Google.
 */
import { GoogleAuth, Impersonated, UserRefreshClient, type AuthClient } from 'google-auth-library';
import { PlatformFailure } from '../domain/failures.ts';

const CLOUD_SCOPE = 'https://www.googleapis.com/auth/cloud-platform';
const TOKEN_LIFETIME_S = 3_600;

export interface GoogleCredentialsOptions {
  /** For messages, such as `google_main`. */
  name: string;
  /** What the tokens are for, such as `https://www.googleapis.com/auth/datamanager`. */
  scope: string;
  /** A credentials file of any kind that Google documents; undefined: Application Default Credentials. */
  credentialsFile: string | undefined;
  /** The service account to act as. */
  impersonate: string | undefined;
  /** Another address of the IAM Credentials API. */
  iamCredentialsUrl: string | undefined;
  /** The stand-in that gives tokens out; undefined: Google. */
  sandboxUrl: string | undefined;
  /** What to do when the credentials give no token. */
  cure: string;
}

export class GoogleCredentials {
  readonly #options: GoogleCredentialsOptions;
  #client: Promise<AuthClient> | undefined;

  constructor(options: GoogleCredentialsOptions) {
    this.#options = options;
  }

  /** A token that is valid now. Throws PlatformFailure `unauthorised` when the credentials give none, `unavailable` when Google cannot be asked. */
  async token(): Promise<string> {
    try {
      this.#client ??= this.#connect();
      const { token } = await (await this.#client).getAccessToken();
      if (typeof token === 'string' && token !== '') return token;
      throw new Error('the credentials gave no token');
    } catch (error) {
      this.forget();
      throw this.#failure(error);
    }
  }

  /** Makes a call with a token. One that was revoked before its time is made anew, once. */
  async call<A extends { status: number }>(send: (token: string) => Promise<A>): Promise<A> {
    const answer = await send(await this.token());
    if (answer.status !== 401) return answer;
    this.forget();
    return send(await this.token());
  }

  /** The next token is a new one. */
  forget(): void {
    this.#client = undefined;
  }

  async #connect(): Promise<AuthClient> {
    const { credentialsFile: keyFilename, impersonate, iamCredentialsUrl: endpoint, sandboxUrl, scope } = this.#options;
    if (sandboxUrl !== undefined && keyFilename === undefined) return sandboxClient(sandboxUrl);
    const auth = new GoogleAuth({ scopes: impersonate === undefined ? [scope] : [CLOUD_SCOPE, scope], ...(keyFilename === undefined ? {} : { keyFilename }) });
    const own = await auth.getClient();
    if (impersonate === undefined) return own;
    return new Impersonated({ sourceClient: own, targetPrincipal: impersonate, targetScopes: [scope], lifetime: TOKEN_LIFETIME_S, ...(endpoint === undefined ? {} : { endpoint }) });
  }

  #failure(error: unknown): PlatformFailure {
    const { status, said } = readRefusal(error);
    const unreachable = status === undefined ? /ECONN|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|network|socket/i.test(said) : status >= 500 || status === 429;
    const cause = `no access token: ${said}`;
    const { name, cure } = this.#options;
    if (unreachable) return new PlatformFailure(`${name}: ${cause}.`, { kind: 'unavailable', cause, cure: '' });
    return new PlatformFailure(`${name}: ${cause}.`, { kind: 'unauthorised', cause, cure });
  }
}

/** The stand-in has a token endpoint of its own, so that the library's own way to a token is taken there too. */
function sandboxClient(url: string): AuthClient {
  return new UserRefreshClient({ clientId: 'sandbox', clientSecret: 'sandbox', refreshToken: 'sandbox', endpoints: { oauth2TokenUrl: `${url}/token` } });
}

/** The library's errors carry the whole request, tokens included; only status and the server's words leave here. */
function readRefusal(error: unknown): { status: number | undefined; said: string } {
  const { response, message } = error as { response?: { status?: number; data?: unknown }; message?: string };
  const { error: code, error_description: description } = (typeof response?.data === 'object' ? response.data : {}) as { error?: unknown; error_description?: unknown };
  const words = [typeof code === 'object' ? (code as { message?: unknown } | null)?.message : code, description].filter((text) => typeof text === 'string');
  const said = words.length > 0 ? words.join(': ') : response === undefined ? (message ?? 'unknown') : `HTTP ${String(response.status)}`;
  return { status: response?.status, said: said.slice(0, 200) };
}
