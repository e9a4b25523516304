/**
 * Google's Data Manager API for audience members, with a token endpoint. Requests are taken in and decided later.
 * https://developers.google.com/data-manager/api/reference/rest/v1/ and the .proto files of google/ads/datamanager/v1 (read 2026-11)
 */
import { randomUUID } from 'node:crypto';
import { Router, json, urlencoded, type Request, type RequestHandler, type Response } from 'express';
import { answerCall, bearerOf, destinationIn, queryOf, send, troubleOfReading, type BrokenReplies, type MemberCall, type Reply, type StandIn } from './answer-call.ts';
import { isWrong, type Fault } from './faults.ts';
import { findViolations, type AudienceMember, type AudienceRequest } from './google-violations.ts';
import type { SandboxDestination, SandboxMember, SandboxStore } from './store.ts';

/** What the stand-in asks for when it throttles. Seconds. */
const RETRY_AFTER_S = 5;
const PROCESSING_MS = 2_000;
const DEFAULT_DURATION = '1209600s';
const DAY_S = 86_400;
const LONGEST_DAYS = 540;
const LISTS_PER_PAGE = 50;

interface TakenRequest {
  destination: string;
  audience: string;
  action: 'add' | 'remove';
  members: AudienceMember[];
  /** Those that are found out to be wrong, with the reason. */
  wrong: Map<AudienceMember, string>;
  decidedAt: number;
  /** What is left of a sandbox that was reset changes nothing any more. */
  resets: number;
  applied: boolean;
}

type ErrorDetail = { reason: string; field?: string; description?: string };

/** A google.rpc.Status. */
function refusal(code: number, status: string, message: string, details: ErrorDetail[] = [], headers: Record<string, string> = {}): Reply {
  const requestId = randomUUID();
  const violations = details.filter(({ field }) => field !== undefined);
  const body = {
    error: {
      code,
      message,
      status,
      details: [
        { '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: details[0]?.reason ?? status, domain: 'datamanager.googleapis.com', metadata: { requestId } },
        { '@type': 'type.googleapis.com/google.rpc.RequestInfo', requestId },
        ...(violations.length === 0 ? [] : [{ '@type': 'type.googleapis.com/google.rpc.BadRequest', fieldViolations: violations }]),
      ],
    },
  };
  return { status: code, body, headers };
}

const UNAUTHENTICATED = refusal(401, 'UNAUTHENTICATED', 'Request had invalid authentication credentials.');
const DENIED = refusal(403, 'PERMISSION_DENIED', 'The caller does not have permission', [{ reason: 'PERMISSION_DENIED' }]);

/** Answers calls of this platform that carry a token which was given out. */
type Ours = (answer: (destination: SandboxDestination, request: Request, response: Response) => Reply | Promise<void>) => RequestHandler;

export function googleRoutes(standIn: StandIn): Router {
  const { store } = standIn;
  const requests = new Map<string, TakenRequest>();
  const router = Router();
  const readBody = json({ limit: '64mb', type: 'application/json' });
  const ours: Ours = (answer) => async (request, response, next) => {
    const destination = destinationIn(request, store, 'google');
    if (!destination) next();
    else if (!store.isIssued(destination.name, bearerOf(request))) send(response, UNAUTHENTICATED);
    else if (request.get('developer-token') !== undefined || request.get('login-customer-id') !== undefined) send(response, refusal(400, 'INVALID_ARGUMENT', 'Headers of the Google Ads API are not known here.'));
    else {
      const reply = await answer(destination, request, response);
      if (reply) send(response, reply);
    }
  };
  router.post('/:destination/token', urlencoded({ extended: false }), tokenRoute(store));
  router.post('/:destination/v1/projects/-/serviceAccounts/:call', readBody, ours(({ name }) => ({ status: 200, body: { accessToken: store.issueToken(name), expireTime: new Date(Date.now() + 3_600_000).toISOString() } })));
  for (const [path, action] of [['audienceMembers\\:ingest', 'add'], ['audienceMembers\\:remove', 'remove']] as const) {
    router.post(`/:destination/v1/${path}`, readBody, ours((destination, request, response) => {
      const body = request.body as AudienceRequest;
      const call: MemberCall = { destination, audience: body.destinations?.[0]?.productDestinationId ?? '', action, rows: body.audienceMembers?.length ?? 0 };
      if (body.validateOnly) return validate(standIn, body, call);
      const replies: BrokenReplies = { ...broken, unauthorised: () => revoke(store, destination) };
      return answerCall(standIn, response, call, replies, (fault) => whyRefused(body, call, store, fault) ?? take(body, call, fault));
    }));
  }
  router.get('/:destination/v1/requestStatus\\:retrieve', ours(({ name }, request) => status(name, queryOf(request, 'requestId'))));
  listRoutes(router, standIn, ours, readBody);
  return router;

  function take(body: AudienceRequest, { destination, audience, action }: MemberCall, fault: Fault | undefined): Reply {
    const requestId = randomUUID();
    const members = body.audienceMembers ?? [];
    const wrong = findWrong(members, action, fault);
    const processingMs = store.limitsOf(destination.name).processingMs ?? PROCESSING_MS;
    const taken: TakenRequest = { destination: destination.name, audience, action, members, wrong, decidedAt: Date.now() + processingMs, resets: store.resets, applied: false };
    requests.set(requestId, taken);
    setTimeout(() => { applyIfDue(taken); }, processingMs).unref();
    return { status: 200, body: { requestId } };
  }

  function applyIfDue(request: TakenRequest): void {
    if (request.applied || request.decidedAt > Date.now() || request.resets !== store.resets) return;
    request.applied = true;
    const { destination, audience, action, members, wrong } = request;
    store.apply({ destination, audience, action, rows: members.filter((member) => !wrong.has(member)).map(toRow) });
  }

  function status(destination: string, requestId: string): Reply {
    const request = requests.get(requestId);
    if (request?.destination !== destination) return refusal(400, 'INVALID_ARGUMENT', 'The request id is not known.', [{ reason: 'INVALID_REQUEST_ID', field: 'request_id', description: 'not known' }]);
    if (standIn.faults.at(destination)?.fault === 'no_status') return refusal(503, 'UNAVAILABLE', 'The service is currently unavailable.');
    applyIfDue(request);
    const records = { recordCount: String(request.members.length) };
    const kind = request.action === 'add'
      ? { audienceMembersIngestionStatus: { compositeDataIngestionStatus: { ...records, ...(request.applied ? { uploadMatchRateRange: 'MATCH_RATE_RANGE_41_TO_50' } : {}) } } }
      : { audienceMembersRemovalStatus: { compositeDataRemovalStatus: records } };
    return { status: 200, body: { requestStatusPerDestination: [{ requestStatus: statusOf(request), ...errorsOf(request), ...kind }] } };
  }
}

/** A request with `validateOnly` meets what is wrong with the account, and uses up no fault. */
function validate(standIn: StandIn, body: AudienceRequest, call: MemberCall): Reply {
  const fault = standIn.faults.at(call.destination.name);
  const whole = fault?.fault === 'needs_person' || fault?.fault === 'misconfigured' ? broken[fault.fault]?.(call, 0) : troubleOfReading(standIn, call.destination, broken);
  return whole ?? whyRefused(body, call, standIn.store) ?? { status: 200, body: { requestId: randomUUID() } };
}

function listRoutes(router: Router, standIn: StandIn, ours: Ours, readBody: RequestHandler): void {
  const { store } = standIn;
  const lists = '/:destination/v1/accountTypes/:type/accounts/:account/userLists';
  const reading = (answer: (destination: SandboxDestination, request: Request) => Reply): RequestHandler =>
    ours((destination, request) => {
      const login = request.get('login-account')?.split('/').at(-1);
      const denied = request.params['account'] !== destination.settings['operating_account'] || login !== destination.settings['login_account'] ? DENIED : undefined;
      return denied ?? troubleOfReading(standIn, destination, broken) ?? answer(destination, request);
    });
  router.get(lists, reading((destination, request) => {
    const wanted = /^displayName = (".*")$/s.exec(queryOf(request, 'filter'))?.[1];
    const found = store.audiencesOf(destination.name).filter(({ name }) => wanted === undefined || name === JSON.parse(wanted));
    return { status: 200, body: { userLists: found.slice(0, LISTS_PER_PAGE).map((one) => describe(destination, one)) } };
  }));
  router.post(lists, readBody, reading((destination, request) => create(store, destination, request.body)));
  router.get(`${lists}/:list`, reading((destination, request) => {
    const gone = standIn.faults.at(destination.name)?.fault === 'misconfigured';
    const found = gone ? undefined : store.audiencesOf(destination.name).find(({ id }) => id === request.params['list']);
    return found ? { status: 200, body: describe(destination, found) } : refusal(404, 'NOT_FOUND', 'Requested entity was not found.', [{ reason: 'NOT_FOUND' }]);
  }));
}

/** Members that turn out to be wrong when the request is processed, with the reason. */
function findWrong(members: readonly AudienceMember[], action: 'add' | 'remove', fault: Fault | undefined): Map<AudienceMember, string> {
  const wrong = new Map<AudienceMember, string>();
  for (const member of members) {
    if (fault?.fault === 'late_refused') wrong.set(member, 'NO_CONSENT');
    else if (isWrong(fault, 'late_invalid', member)) wrong.set(member, 'INVALID_FORMAT');
    else if (member.consent?.adUserData === 'CONSENT_DENIED') wrong.set(member, 'DENIED_CONSENT');
    else if (fault?.fault === 'consent_required' && action === 'add' && member.consent?.adUserData !== 'CONSENT_GRANTED') wrong.set(member, 'UNKNOWN_CONSENT');
  }
  return wrong;
}

function statusOf({ applied, wrong, members }: TakenRequest): string {
  if (!applied) return 'PROCESSING';
  if (wrong.size === 0) return 'SUCCESS';
  return wrong.size === members.length ? 'FAILED' : 'PARTIAL_SUCCESS';
}

/** Counts by reason; which member it was is never told. */
function errorsOf({ applied, wrong }: TakenRequest): object {
  if (!applied || wrong.size === 0) return {};
  const counts = Map.groupBy(wrong.values(), (reason) => reason);
  return { errorInfo: { errorCounts: [...counts].map(([reason, all]) => ({ recordCount: String(all.length), reason: `PROCESSING_ERROR_REASON_${reason}` })) } };
}

const NO_SUCH_LIST = refusal(400, 'INVALID_ARGUMENT', 'There was a problem with the request.', [{ reason: 'INVALID_USER_LIST_ID', field: 'destinations[0].product_destination_id', description: 'no such list' }]);

const CLOSED = refusal(400, 'INVALID_ARGUMENT', 'The list cannot be changed.', [{ reason: 'USER_LIST_MUTATION_NOT_SUPPORTED', field: 'destinations[0]', description: 'the list is closed' }]);
const WRONG_TYPE = refusal(400, 'INVALID_ARGUMENT', 'There was a problem with the request.', [{ reason: 'INVALID_USER_LIST_TYPE', field: 'destinations[0].product_destination_id', description: 'the list takes other data' }]);

const broken: BrokenReplies = {
  http_500: () => refusal(503, 'UNAVAILABLE', 'The service is currently unavailable.'),
  rate_limit: (_call, ms) => refusal(429, 'RESOURCE_EXHAUSTED', 'Quota exceeded.', [{ reason: 'RESOURCE_EXHAUSTED' }], { 'retry-after': String(ms > 0 ? ms / 1_000 : RETRY_AFTER_S) }),
  needs_person: () => refusal(400, 'INVALID_ARGUMENT', 'The Customer Match terms are not signed.', [{ reason: 'TERMS_AND_CONDITIONS_NOT_SIGNED', field: 'destinations[0]', description: 'not signed' }]),
  misconfigured: () => NO_SUCH_LIST,
  unauthorised: () => UNAUTHENTICATED,
  no_permission: () => DENIED,
  refuse_removals: ({ action }) => (action === 'remove' ? CLOSED : undefined),
};

function revoke(store: SandboxStore, destination: SandboxDestination): Reply {
  store.revokeTokens(destination.name);
  return UNAUTHENTICATED;
}

const tokenRoute = (store: SandboxStore): RequestHandler => (request, response, next) => {
  const destination = destinationIn(request, store, 'google');
  if (destination) send(response, giveToken(store, destination.name, request.body as Record<string, unknown>));
  else next();
};

/** Refresh tokens of the sandbox itself, and token exchange of a workload identity. */
function giveToken(store: SandboxStore, destination: string, given: Record<string, unknown>): Reply {
  const refresh = given['grant_type'] === 'refresh_token' && given['refresh_token'] === 'sandbox';
  const exchange = given['grant_type'] === 'urn:ietf:params:oauth:grant-type:token-exchange' && given['subject_token'] === 'sandbox';
  if (!refresh && !exchange) return { status: 400, body: { error: 'invalid_grant', error_description: 'Token has been expired or revoked.' } };
  return { status: 200, body: { access_token: store.issueToken(destination), token_type: 'Bearer', expires_in: 3_600, issued_token_type: 'urn:ietf:params:oauth:token-type:access_token' } };
}

/** One record that is wrong refuses the whole request; the answer names its place, unless the fault wants otherwise. */
function whyRefused(body: AudienceRequest, { destination, audience, action }: MemberCall, store: SandboxStore, fault?: Fault): Reply | undefined {
  const [asked] = body.destinations ?? [];
  if (asked?.operatingAccount?.accountId !== destination.settings['operating_account'] || asked?.loginAccount?.accountId !== destination.settings['login_account']) return DENIED;
  const list = store.audiencesOf(destination.name).find(({ id }) => id === audience);
  if (!list) return NO_SUCH_LIST;
  if (list.said['membershipStatus'] === 'CLOSED') return CLOSED;
  const { uploadKeyTypes = ['CONTACT_ID'] } = (list.said['ingestedUserListInfo'] ?? {}) as { uploadKeyTypes?: string[] };
  if (!uploadKeyTypes.includes('CONTACT_ID')) return WRONG_TYPE;
  const violations = findViolations(body, action, store.limitsOf(destination.name).rowsPerCall);
  for (const [index, member] of (body.audienceMembers ?? []).entries()) {
    if (isWrong(fault, 'named_invalid', member)) violations.push({ reason: 'INVALID_FORMAT', field: `audience_members.audience_members[${String(index)}].user_data.user_identifiers`, description: 'the value is not valid' });
    if (isWrong(fault, 'unnamed_invalid', member)) violations.push({ reason: 'INVALID_FORMAT', field: 'audience_members', description: 'a value is not valid' });
  }
  return violations.length === 0 ? undefined : refusal(400, 'INVALID_ARGUMENT', 'There was a problem with the request.', violations);
}

/** A member's identifiers as columns. */
function toRow(member: AudienceMember): SandboxMember {
  const identifiers = member.compositeData?.userData?.userIdentifiers ?? [];
  return Object.fromEntries(identifiers.flatMap((identifier, index) => Object.entries(identifier).map(([kind, value]) => [`${kind}.${String(index)}`, typeof value === 'string' ? value : JSON.stringify(value)])));
}

const describe = ({ settings }: SandboxDestination, { id, name, size, said }: ReturnType<SandboxStore['audiencesOf']>[number]): object => ({
  name: `accountTypes/GOOGLE_ADS/accounts/${String(settings['operating_account'])}/userLists/${id}`,
  id,
  displayName: name,
  membershipStatus: 'OPEN',
  accountAccessStatus: 'ENABLED',
  membershipDuration: DEFAULT_DURATION,
  sizeInfo: { displayNetworkMembersCount: String(size) },
  ingestedUserListInfo: { uploadKeyTypes: ['CONTACT_ID'] },
  ...said,
});

function create(store: SandboxStore, destination: SandboxDestination, body: unknown): Reply {
  const { displayName, membershipDuration = DEFAULT_DURATION, ingestedUserListInfo: info } = (body ?? {}) as { displayName?: unknown; membershipDuration?: unknown; ingestedUserListInfo?: { uploadKeyTypes?: unknown } };
  const refused = (reason: string, field: string): Reply => refusal(400, 'INVALID_ARGUMENT', 'There was a problem with the request.', [{ reason, field: `user_list.${field}`, description: 'not valid' }]);
  if (typeof displayName !== 'string' || displayName === '') return refused('REQUIRED_FIELD_MISSING', 'display_name');
  if (!Array.isArray(info?.uploadKeyTypes)) return refused('REQUIRED_FIELD_MISSING', 'ingested_user_list_info.upload_key_types');
  if (store.audiencesOf(destination.name).some(({ name }) => name === displayName)) return refused('DISPLAY_NAME_ALREADY_USED', 'display_name');
  const seconds = Number(/^(\d+)s$/.exec(String(membershipDuration))?.[1] ?? Number.NaN);
  if (!(seconds % DAY_S === 0)) return refused('INVALID_ARGUMENT', 'membership_duration');
  if (seconds > LONGEST_DAYS * DAY_S) return refused('MEMBERSHIP_DURATION_TOO_LONG', 'membership_duration');
  const id = store.create(destination.name, displayName);
  store.say(destination.name, id, { membershipDuration });
  const made = store.audiencesOf(destination.name).find((one) => one.id === id);
  return { status: 200, body: made ? describe(destination, made) : {} };
}
