/** Persons to TikTok's rows. */
import { describe, expect, test } from 'vitest';
import { identify } from '../../../src/destinations/tiktok/identify.ts';
import { mapCall } from '../../../src/destinations/tiktok/mapping.ts';
import { tiktokSettings } from '../../../src/destinations/tiktok/settings.ts';
import type { Member } from '../../../src/destinations/destination.ts';
import { sha256 } from '../../../src/destinations/user-data.ts';
import type { RawPerson } from '../../../src/domain/identifiers.ts';

const settings = (more: object = {}) => tiktokSettings.parse({ access_token: 't', advertiser_id: '7', ...more });
const normalised = (person: RawPerson): string[] => identify(person).identifiers.map(({ type, normalised: text }) => `${type} ${text}`);
const DEVICE = '5f3a2b18-9c4d-4e7f-b8e2-17d3a1e69b25';

test.each<[RawPerson, string[]]>([
  [{ email: ' JaneDoe@Gmail.com ' }, ['EMAIL_SHA256 janedoe@gmail.com']],
  [{ email: 'jane.doe+tag@example.com' }, ['EMAIL_SHA256 jane.doe+tag@example.com']],
  [{ phone: '+374 93 828222' }, ['PHONE_SHA256 +37493828222']],
  [{ phone: '(555) 123-4567', phoneCountry: 'us' }, ['PHONE_SHA256 +15551234567']],
  [{ mobileAdId: DEVICE.toUpperCase() }, [`IDFA_SHA256 ${DEVICE}`, `AAID_SHA256 ${DEVICE}`]],
  [{ mobileAdId: '00000000-0000-0000-0000-000000000000' }, []],
])('%j is normalised as TikTok wants it', (person, expected) => {
  expect(normalised(person)).toEqual(expected);
});

test('the hashes are those that TikTok prints', () => {
  expect(identify({ email: 'janedoe@gmail.com' }).identifiers[0]?.value).toBe('d6117306485ed0e50afab3ac871e98f81699151f30281527d63ff5f233656c69');
  expect(identify({ mobileAdId: DEVICE }).identifiers[0]?.value).toBe('83dc3f5f32b9472613b0f038d36f22585a609d018af6f6067f50da318bf354bd');
});

describe('what TikTok\'s pages disagree on is a setting, for adds and removals alike', () => {
  const { identifiers, variants = [] } = identify({ email: 'jane+tag@example.com', phone: '+37493828222' });
  const member: Member = { today: [...identifiers, ...variants].map(({ type, value }) => ({ type, value })), former: [] };
  const hashes = (more: object, operation: 'add' | 'remove' = 'add') => mapCall(settings(more), operation, '1', [member]).body.batch_data[0]?.map((cell) => cell.id);

  test.each<[object, string[]]>([
    [{}, ['jane+tag@example.com', '+37493828222']],
    [{ email_plus_tag: 'remove' }, ['jane@example.com', '+37493828222']],
    [{ phone_format: 'digits' }, ['jane+tag@example.com', '37493828222']],
  ])('%j', (more, texts) => {
    expect(hashes(more)).toEqual(texts.map(sha256));
    expect(hashes(more, 'remove')).toEqual(texts.map(sha256));
  });
});

describe('a call', () => {
  const member = (...identifiers: [string, string][]): Member => ({ today: identifiers.map(([type, value]) => ({ type, value })), former: [] });
  const cell = (id: string): object => ({ id, audience_ids: ['71'] });

  test('keeps the columns aligned: a missing identifier is the empty object, whatever the order of the person\'s own', () => {
    const { body } = mapCall(settings(), 'add', '71', [member(['PHONE_SHA256', 'p1'], ['EMAIL_SHA256', 'e1']), member(['PHONE_SHA256', 'p2']), member(['EMAIL_SHA256', 'e3'])]);
    expect(body).toEqual({ advertiser_ids: ['7'], action: 'add', id_schema: ['EMAIL_SHA256', 'PHONE_SHA256'], batch_data: [[cell('e1'), cell('p1')], [{}, cell('p2')], [cell('e3'), {}]] });
  });
  test('carries people with nothing but a phone', () => {
    expect(mapCall(settings(), 'add', '71', [member(['PHONE_SHA256', 'p'])]).carries).toEqual([0]);
  });
  test('holds as many rows as the setting says', () => {
    const call = mapCall(settings({ rows_per_call: 3 }), 'add', '71', Array.from({ length: 5 }, (_, index) => member(['EMAIL_SHA256', String(index)])));
    expect(call.carries).toEqual([0, 1, 2]);
  });
  test('removes by the word delete, with former identifiers in rows of their own', () => {
    const moved: Member = { today: [{ type: 'EMAIL_SHA256', value: 'new' }], former: [{ type: 'EMAIL_SHA256', value: 'old' }] };
    expect(mapCall(settings(), 'remove', '71', [moved]).body).toMatchObject({ action: 'delete', batch_data: [[cell('new')], [cell('old')]] });
  });
});
