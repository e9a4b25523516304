/** Meta Custom Audiences. Reads nothing but its settings; knows nothing of the ledger. Start reading at mapping.ts. */
import { PlatformFailure } from '../../domain/failures.ts';
import { definePlatform, type Destination, type MemberAnswer, type PushAnswer } from '../destination.ts';
import { META_URL } from './api-version.ts';
import { checkMeta, createMetaAudience, readMetaSize } from './check.ts';
import { changeUsers, type MetaClientOptions, type Received } from './client.ts';
import { CLOCKS } from './clocks.ts';
import { identify } from './identify.ts';
import { mapCall, ROWS_PER_CALL, type MappedCall } from './mapping.ts';
import { metaSettings, type MetaSettings } from './settings.ts';

export const meta = definePlatform<MetaSettings>({
  platform: 'meta',
  settings: metaSettings,
  checkAudienceId: (id) => (/^\d+$/.test(id) ? undefined : "must be the audience's number, in quotes"),
  identify,
  clocks: CLOCKS,
  connect: (settings, { name, sandboxUrl }): Destination => {
    const client: MetaClientOptions = { destination: name, baseUrl: sandboxUrl ?? META_URL, settings };
    return {
      name,
      platform: 'meta',
      membersPerCall: ROWS_PER_CALL,
      timeoutMs: settings.timeout,
      callsPerMinute: settings.calls_per_minute,
      paceMs: 0,
      check: (targets, signal) => checkMeta(client, targets, signal),
      readSize: (audienceId, signal) => readMetaSize(client, audienceId, signal),
      createAudience: (audience, signal) => createMetaAudience(client, audience, signal),
      prepare: (operation, audienceId, members) => {
        const call = mapCall(operation, members);
        return {
          carries: call.carries,
          unusable: call.unusable,
          send: async (signal) => answersOf(name, call, await changeUsers(client, operation, audienceId, call.payload, signal)),
        };
      },
    };
  },
});

/**
 * Believes the body, not the 200: rows that Meta names as invalid are rejected alone. When it counts more invalid rows than
 * it names, or has taken in fewer than were sent, nobody of the call is taken for delivered.
 */
function answersOf(destination: string, call: MappedCall, said: Received): PushAnswer {
  const reasons = new Map<number, string>();
  let named = 0;
  for (const [row, values] of call.payload.data.entries()) {
    const reason = said.samples.get(JSON.stringify(values));
    const member = call.memberOfRow[row];
    if (reason === undefined || member === undefined) continue;
    named++;
    reasons.set(member, reason);
  }
  const sent = call.payload.data.length;
  if (said.received < sent) {
    const cause = `Meta says that it received ${String(said.received)} of ${String(sent)} rows`;
    throw new PlatformFailure(`${destination}: ${cause}.`, { kind: 'timed_out', cause, cure: '' });
  }
  if (said.invalid > named) {
    const cause = `Meta counts ${String(said.invalid)} invalid rows and names ${String(named)}`;
    throw new PlatformFailure(`${destination}: ${cause}.`, { kind: 'invalid_row', cause, cure: 'It is split until the invalid rows stand alone.' });
  }
  const members = call.carries.map((index): MemberAnswer => {
    const reason = reasons.get(index);
    return reason === undefined ? { status: 'accepted' } : { status: 'rejected', reason };
  });
  return { members, restMs: said.restMs };
}
