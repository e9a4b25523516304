/** TikTok's streaming audiences (`segment/mapping`). Traps and unconfirmed facts are in README.md. */
import { definePlatform, type Destination } from '../destination.ts';
import { TIKTOK_URL } from './api-version.ts';
import { checkTiktok, createTiktokAudience, readTiktokSize } from './check.ts';
import { callTiktok, type TiktokClientOptions } from './client.ts';
import { ALREADY_SENT, OK } from './errors.ts';
import { CLOCKS } from './clocks.ts';
import { identify } from './identify.ts';
import { mapCall } from './mapping.ts';
import { tiktokSettings, type TiktokSettings } from './settings.ts';

export const tiktok = definePlatform<TiktokSettings>({
  platform: 'tiktok',
  settings: tiktokSettings,
  checkAudienceId: (id) => (/^\d+$/.test(id) ? undefined : "must be the audience's number, in quotes"),
  identify,
  clocks: CLOCKS,
  connect: (settings, { name, sandboxUrl }): Destination => {
    const client: TiktokClientOptions = { destination: name, baseUrl: sandboxUrl ?? TIKTOK_URL, settings };
    return {
      name,
      platform: 'tiktok',
      membersPerCall: settings.rows_per_call,
      timeoutMs: settings.timeout,
      callsPerMinute: settings.calls_per_minute,
      paceMs: 0,
      check: (targets, signal) => checkTiktok(client, targets, signal),
      readSize: (audienceId, signal) => readTiktokSize(client, audienceId, signal),
      createAudience: (audience, signal) => createTiktokAudience(client, audience, signal),
      prepare: (operation, audienceId, members) => {
        const call = mapCall(settings, operation, audienceId, members);
        return {
          carries: call.carries,
          unusable: call.unusable,
          send: async (signal) => {
            // No answer names rows: all of them were taken in, or the call is split.
            await callTiktok(client, { method: 'POST', path: 'segment/mapping/', what: `audience ${audienceId}`, body: call.body }, [OK, ALREADY_SENT], signal);
            return { members: call.carries.map(() => ({ status: 'accepted' })), restMs: 0 };
          },
        };
      },
    };
  },
});
