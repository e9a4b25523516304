/**
 * Access tokens, by google-auth-library: a service account, Application Default Credentials, workload identity, impersonation.
 * https://developers.google.com/data-manager/api/devguides/quickstart/set-up-access (read 2026-11)
 */
import { GoogleAuth, Impersonated, UserRefreshClient, type AuthClient } from 'google-auth-library';
import { PlatformFailure } from '../../domain/failures.ts';
import { GOOGLE_SCOPE } from './api-version.ts';
import type { GoogleSettings } from './settings.ts';

const CLOUD_SCOPE = 'https://www.googleapis.com/auth/cloud-platform';
const TOKEN_LIFETIME_S = 3_600;

export class GoogleCredentials {
  readonly #destination: string;
  readonly #settings: GoogleSettings;
  readonly #sandboxUrl: string | undefined;
  #client: Promise<AuthClient> | undefined;

  constructor(destination: string, settings: GoogleSettings, sandboxUrl: string | undefined) {
    this.#destination = destination;
    this.#settings = settings;
    this.#sandboxUrl = sandboxUrl;
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

  /** The next token is a new one. */
  forget(): void {
    this.#client = undefined;
  }

  async #connect(): Promise<AuthClient> {
    const { credentials_file: keyFilename, impersonate, iam_credentials_url: endpoint } = this.#settings;
    if (this.#sandboxUrl !== undefined && keyFilename === undefined) return sandboxClient(this.#sandboxUrl);
    const auth = new GoogleAuth({ scopes: impersonate === undefined ? [GOOGLE_SCOPE] : [CLOUD_SCOPE, GOOGLE_SCOPE], ...(keyFilename === undefined ? {} : { keyFilename }) });
    const own = await auth.getClient();
    if (impersonate === undefined) return own;
    return new Impersonated({ sourceClient: own, targetPrincipal: impersonate, targetScopes: [GOOGLE_SCOPE], lifetime: TOKEN_LIFETIME_S, ...(endpoint === undefined ? {} : { endpoint }) });
  }

  #failure(error: unknown): PlatformFailure {
    const { status, said } = readRefusal(error);
    const unreachable = status === undefined ? /ECONN|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|network|socket/i.test(said) : status >= 500 || status === 429;
    const cause = `no access token: ${said}`;
    if (unreachable) return new PlatformFailure(`${this.#destination}: ${cause}.`, { kind: 'unavailable', cause, cure: '' });
    return new PlatformFailure(`${this.#destination}: ${cause}.`, { kind: 'unauthorised', cause, cure: CURE });
  }
}

const CURE =
  'Give Headgate credentials: credentials_file in headgate.yaml, or Application Default Credentials (GOOGLE_APPLICATION_CREDENTIALS). Their e-mail must be a user of the Google Ads account, or of its manager account in login_account.';

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
