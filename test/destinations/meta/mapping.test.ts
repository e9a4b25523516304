/** Persons to Meta's rows. */
import { describe, expect, test } from 'vitest';
import { identify } from '../../../src/destinations/meta/identify.ts';
import { mapCall, ROWS_PER_CALL } from '../../../src/destinations/meta/mapping.ts';
import { sha256 } from '../../../src/destinations/user-data.ts';
import type { RawPerson } from '../../../src/domain/identifiers.ts';

const normalised = (person: RawPerson): string[] => identify(person).identifiers.map(({ type, normalised: text }) => `${type} ${text}`);

test.each<[RawPerson, string[]]>([
  [{ email: '  Ada@Example.COM ' }, ['EMAIL ada@example.com']],
  [{ email: 'first.last+tag@gmail.com' }, ['EMAIL first.last+tag@gmail.com']],
  [{ phone: '+84 091-2345678' }, ['PHONE 84912345678']],
  [{ phone: '(555) 123-4567', country: 'US' }, ['PHONE 15551234567', 'COUNTRY us']],
  [{ phone: '0049 30 901820' }, ['PHONE 4930901820']],
  [{ phone: '(+84) 091-2345678' }, ['PHONE 84912345678']],
  [{ phone: '15559876543' }, ['PHONE 15559876543']],
  [{ phone: '1 (555) 987-6543', phoneCountry: 'US' }, ['PHONE 15559876543']],
  [{ phone: '49 1511 2345678', phoneCountry: 'US' }, ['PHONE 4915112345678']],
  [{ phone: '0171 1234567' }, []],
  [{ phone: '5559876543' }, []],
  [{ firstName: ' Mary-Ann ', lastName: "O'Neil" }, ['FN maryann', 'LN oneil']],
  [{ firstName: '정' }, ['FN 정']],
  [{ firstName: 'Jose\u0301', lastName: 'de la Cruz' }, ['FN josé', 'LN delacruz']],
  [{ lastName: '김' }, ['LN 김']],
  [{ lastName: 'O’Neil' }, ['LN oneil']],
  [{ city: 'St. Louis' }, ['CT stlouis']],
  [{ city: 'Saint-Étienne' }, ['CT sainttienne']],
  [{ city: '서울' }, []],
  [{ region: 'CA', country: 'US' }, ['ST ca', 'COUNTRY us']],
  [{ region: ' California. ', country: 'us' }, ['ST ca', 'COUNTRY us']],
  [{ region: 'US-CA', country: 'US' }, ['ST ca', 'COUNTRY us']],
  [{ region: 'District of Columbia' }, ['ST dc']],
  [{ region: 'Bavaria', country: 'US' }, ['COUNTRY us']],
  [{ region: 'Nordrhein-Westfalen', country: 'DE' }, ['ST nordrheinwestfalen', 'COUNTRY de']],
  [{ region: 'Georgia', country: 'GE' }, ['ST georgia', 'COUNTRY ge']],
  [{ postalCode: '94035-1234' }, ['ZIP 94035']],
  [{ postalCode: '94035-1234', country: 'US' }, ['ZIP 94035', 'COUNTRY us']],
  [{ postalCode: '940351234', phoneCountry: 'US' }, ['ZIP 94035']],
  [{ postalCode: '2134', country: 'US' }, ['COUNTRY us']],
  [{ postalCode: '123-4567', country: 'JP' }, ['ZIP 123-4567', 'COUNTRY jp']],
  [{ postalCode: '1234 AB', country: 'NL' }, ['ZIP 1234ab', 'COUNTRY nl']],
  [{ postalCode: 'K1A 0B1', country: 'CA' }, ['ZIP k1a0b1', 'COUNTRY ca']],
  [{ postalCode: 'SW1A 1AA' }, ['ZIP sw1a1']],
  [{ postalCode: 'm1 1ae', country: 'GB' }, ['ZIP m11', 'COUNTRY gb']],
  [{ postalCode: 'M1 1', country: 'GB' }, ['ZIP m11', 'COUNTRY gb']],
  [{ postalCode: '--' }, []],
  [{ birthDate: '1990-02-01' }, ['DOBY 1990', 'DOBM 02', 'DOBD 01']],
  [{ birthDate: '1990-02-30' }, []],
  [{ birthDate: '1899-12-31' }, []],
  [{ birthDate: '2999-01-01' }, []],
  [{ gender: 'Female' }, ['GEN f']],
  [{ gender: ' M ' }, ['GEN m']],
  [{ gender: 'Woman' }, ['GEN f']],
  [{ country: 'UK' }, ['COUNTRY gb']],
  [{ mobileAdId: 'AB1234CD-E123-12FG-J123-1234567890AB' }, []],
  [{ mobileAdId: 'AB1234CD-E123-12F0-A123-1234567890AB' }, ['MADID ab1234cd-e123-12f0-a123-1234567890ab']],
  [{ customerId: 'c_1' }, ['EXTERN_ID c_1']],
])('%j is normalised as Meta wants it', (person, expected) => {
  expect(normalised(person)).toEqual(expected);
});

test('an empty or unusable value is dropped with a reason, never hashed', () => {
  const { identifiers, dropped } = identify({ email: ' ', phone: '12', firstName: '--', gender: 'x', birthDate: '1.2.1990', country: 'Germany' });
  expect(identifiers).toEqual([]);
  expect(dropped).toHaveLength(6);
});

test('an unknown gender is nobody\'s: it does not become m', () => {
  for (const gender of ['x', 'non-binary', 'unknown', 'constructor', '__proto__']) expect(identify({ gender })).toEqual({ identifiers: [], dropped: [{ field: 'gender', reason: 'neither m nor f' }] });
});

test('what is hashed already is not hashed again', () => {
  const hash = sha256('ada@example.com');
  expect(identify({ email: hash.toUpperCase() }).identifiers).toMatchObject([{ type: 'EMAIL', value: hash }]);
});

test('advertising ids and the customer\'s own id go in the clear, all else as SHA-256', () => {
  const { identifiers } = identify({ email: 'a@example.com', phone: '+15551234567', lastName: 'x', customerId: 'c_1', mobileAdId: 'ab1234cd-e123-12f0-a123-1234567890ab' });
  for (const { type, value } of identifiers) expect(/^[0-9a-f]{64}$/.test(value)).toBe(!['EXTERN_ID', 'MADID'].includes(type));
});

describe('a call', () => {
  const member = (...identifiers: [string, string][]) => ({ today: identifiers.map(([type, value]) => ({ type, value })), former: [] });

  test('has one column for each identifier that some row has, and empty texts where a row has none', () => {
    expect(mapCall('add', [member(['EMAIL', 'e1']), member(['EMAIL', 'e2'], ['PHONE', 'p2'])]).payload).toEqual({ schema: ['EMAIL', 'PHONE'], data: [['e1', ''], ['e2', 'p2']] });
  });
  test('never mixes rows with and without an external id, because Meta refuses an empty one', () => {
    const call = mapCall('add', [member(['EXTERN_ID', 'c1'], ['EMAIL', 'e1']), member(['EMAIL', 'e2']), member(['EXTERN_ID', 'c3'])]);
    expect(call.carries).toEqual([0, 2]);
    expect(call.payload.data).toEqual([['c1', 'e1'], ['c3', '']]);
  });
  test('has a row of its own for each further e-mail', () => {
    const call = mapCall('add', [member(['EXTERN_ID', 'c1'], ['EMAIL', 'e1'], ['EMAIL', 'e2'])]);
    expect(call.payload.data).toEqual([['c1', 'e1'], ['c1', 'e2']]);
    expect(call.memberOfRow).toEqual([0, 0]);
  });
  test('removes what was sent before, too', () => {
    const changed = { today: [{ type: 'EMAIL', value: 'new' }], former: [{ type: 'EMAIL', value: 'old' }] };
    expect(mapCall('remove', [changed]).payload.data).toEqual([['new'], ['old']]);
    expect(mapCall('add', [changed]).payload.data).toEqual([['new']]);
  });
  test('leaves out members with nothing that finds a person, and says so', () => {
    const call = mapCall('add', [member(['FN', 'f'], ['LN', 'l']), member(['EMAIL', 'e'])]);
    expect(call.unusable).toEqual([{ index: 0, reason: 'no usable identifier' }]);
    expect(call.carries).toEqual([1]);
  });
  test('holds at most 10,000 rows, and never half a member', () => {
    const members = Array.from({ length: 6_000 }, (_, index) => member(['EMAIL', `a${String(index)}`], ['EMAIL', `b${String(index)}`]));
    const call = mapCall('add', members);
    expect(call.payload.data).toHaveLength(ROWS_PER_CALL);
    expect(call.carries).toHaveLength(5_000);
  });
});
