/** Snap customer lists, by e-mail. The smallest platform: read this one first. Traps and unconfirmed facts are in README.md. */
import { z } from 'zod';
import { PlatformFailure } from '../../domain/failures.ts';
import { definePlatform, type Destination, type PushAnswer } from '../destination.ts';
import { notUnderstood } from '../http-call.ts';
import { packRows, toTable, type PackedRows } from '../rows.ts';
import { SNAP_TOKEN_URL, SNAP_URL } from './api-version.ts';
import { checkSnap, createSnapSegment, readSnapSize } from './check.ts';
import { SnapClient } from './client.ts';
import { CLOCKS } from './clocks.ts';
import { identify } from './identify.ts';
import { snapSettings, type SnapSettings } from './settings.ts';

const EMAIL = ['EMAIL_SHA256'];

export const snap = definePlatform<SnapSettings>({
  platform: 'snap',
  settings: snapSettings,
  checkAudienceId: (id) => (/^\d+$/.test(id) ? undefined : "must be the segment's number, in quotes"),
  identify,
  clocks: CLOCKS,
  connect: (settings, { name, sandboxUrl }): Destination => {
    const urls = { baseUrl: sandboxUrl ?? SNAP_URL, tokenUrl: sandboxUrl === undefined ? SNAP_TOKEN_URL : `${sandboxUrl}/token` };
    const client = new SnapClient(name, settings, urls);
    return {
      name,
      platform: 'snap',
      membersPerCall: settings.rows_per_call,
      timeoutMs: settings.timeout,
      callsPerMinute: settings.calls_per_minute,
      paceMs: 0,
      check: (targets, signal) => checkSnap(client, targets, signal),
      readSize: (segmentId, signal) => readSnapSize(client, segmentId, signal),
      createAudience: (audience, signal) => createSnapSegment(client, audience, signal),
      prepare: (operation, segmentId, members) => {
        const call = packRows(operation, members, { columns: EMAIL, findsAPerson: new Set(EMAIL), mayRepeat: new Set(EMAIL), inEachRow: [], rowsPerCall: settings.rows_per_call });
        const method = operation === 'add' ? 'POST' : 'DELETE';
        return { carries: call.carries, unusable: call.unusable, send: (signal) => send(client, method, segmentId, call, signal) };
      },
    };
  },
});

const answer = z.object({ users: z.array(z.object({ sub_request_status: z.string(), user: z.object({ number_uploaded_users: z.number() }) })).min(1) });

/** Believes the count in the body, not the 200. */
async function send(client: SnapClient, method: 'POST' | 'DELETE', segmentId: string, call: PackedRows, signal: AbortSignal): Promise<PushAnswer> {
  const body = { users: [{ schema: call.columns, data: toTable(call) }] };
  const { json, reply } = await client.call(method, `segments/${encodeURIComponent(segmentId)}/users`, `segment ${segmentId}`, signal, body);
  const parsed = answer.safeParse(json);
  const said = parsed.data?.users[0];
  if (!said) throw notUnderstood(client.destination, reply);
  const taken = said.user.number_uploaded_users;
  if (!/^success$/i.test(said.sub_request_status) || taken < call.rows.length) {
    const cause = `Snap took ${String(taken)} of ${String(call.rows.length)} rows (${said.sub_request_status})`;
    throw new PlatformFailure(`${client.destination}: ${cause}.`, { kind: 'invalid_row', cause, cure: 'It is split until the rows that Snap does not take stand alone.' });
  }
  return { members: call.carries.map(() => ({ status: 'accepted' })), restMs: 0 };
}
