/** Google Customer Match lists, by the Data Manager API. Traps and unconfirmed facts are in README.md. */
import { z } from 'zod';
import { definePlatform, type Destination, type FollowUp, type MemberAnswer, type PushAnswer } from '../destination.ts';
import { notUnderstood } from '../http-call.ts';
import { GOOGLE_URL } from './api-version.ts';
import { checkGoogle, createGoogleList, readGoogleSize } from './check.ts';
import { callGoogle, refused, type GoogleCall, type GoogleClientOptions } from './client.ts';
import { credentialsOf } from './credentials.ts';
import { namedMembers } from './errors.ts';
import { CLOCKS } from './clocks.ts';
import { identify } from './identify.ts';
import { mapCall, MEMBERS_PER_CALL, type MappedCall } from './mapping.ts';
import { outcomeOf } from './request-status.ts';
import { requestOf } from './request.ts';
import { googleSettings, type GoogleSettings } from './settings.ts';

export const google = definePlatform<GoogleSettings>({
  platform: 'google',
  settings: googleSettings,
  checkAudienceId: (id) => (/^\d+$/.test(id) ? undefined : "must be the user list's number, in quotes"),
  identify,
  clocks: CLOCKS,
  connect: (settings, { name, sandboxUrl }): Destination => {
    const credentials = credentialsOf(name, settings, sandboxUrl);
    const client: GoogleClientOptions = { destination: name, baseUrl: sandboxUrl ?? settings.api_url ?? GOOGLE_URL, settings, credentials };
    return {
      name,
      platform: 'google',
      membersPerCall: MEMBERS_PER_CALL,
      timeoutMs: settings.timeout,
      callsPerMinute: settings.calls_per_minute,
      paceMs: settings.gather,
      followUp: followUp(client),
      check: (targets, signal) => checkGoogle(client, targets, signal),
      readSize: (userListId, signal) => readGoogleSize(client, userListId, signal),
      createAudience: (audience, signal) => createGoogleList(client, audience, signal),
      prepare: (operation, userListId, members) => {
        const call = mapCall(operation, members);
        const what: GoogleCall = {
          method: 'POST',
          path: operation === 'add' ? 'audienceMembers:ingest' : 'audienceMembers:remove',
          what: `user list ${userListId}`,
          body: requestOf(settings, operation, userListId, call.audienceMembers),
        };
        return { carries: call.carries, unusable: call.unusable, send: (signal) => send(client, call, what, signal) };
      },
    };
  },
});

const taken = z.object({ requestId: z.string().min(1) });

/** A 200 with a request id says no more than that the request was taken in. A refusal that names members has done nothing for the others. */
async function send(client: GoogleClientOptions, call: MappedCall, what: GoogleCall, signal: AbortSignal): Promise<PushAnswer> {
  const answer = await callGoogle(client, what, signal);
  if ('error' in answer) {
    const reasons = new Map([...namedMembers(answer.error)].flatMap(([position, reason]) => (call.memberOf[position] === undefined ? [] : [[call.memberOf[position], reason] as const])));
    if (reasons.size === 0) throw refused(client, what, answer);
    const members = call.carries.map((index): MemberAnswer => {
      const reason = reasons.get(index);
      return reason === undefined ? { status: 'unsent' } : { status: 'rejected', reason };
    });
    return { members, restMs: 0 };
  }
  const parsed = taken.safeParse(answer.json);
  if (!parsed.success) throw notUnderstood(client.destination, answer.reply);
  return { members: call.carries.map(() => ({ status: 'processing' })), restMs: 0, later: { requestId: parsed.data.requestId, checkAfterMs: client.settings.status_after } };
}

/** Each question comes 1.3 times later than the one before: https://developers.google.com/data-manager/api/devguides/diagnostics (read 2026-11). */
const LATER_EACH_TIME = 1.3;

function followUp(client: GoogleClientOptions): FollowUp {
  const { settings } = client;
  return {
    giveUpAfterMs: settings.give_up_after,
    ask: async (requestId, checks, signal) => {
      const call: GoogleCall = { method: 'GET', path: `requestStatus:retrieve?requestId=${encodeURIComponent(requestId)}`, what: `request ${requestId}` };
      const answer = await callGoogle(client, call, signal);
      if ('error' in answer) {
        const { report } = refused(client, call, answer);
        // Google no longer knows the request (how long it does is unconfirmed), so it is sent again.
        if (answer.error.code === 400 || answer.error.code === 404) return { status: 'failed', report: { ...report, kind: 'unavailable' } };
        throw refused(client, call, answer);
      }
      const outcome = outcomeOf(answer.json, Math.min(settings.status_at_most, settings.status_after * LATER_EACH_TIME ** (checks + 1)));
      if (!outcome) throw notUnderstood(client.destination, answer.reply);
      return outcome;
    },
  };
}
