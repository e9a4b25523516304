/** Members to Google's audience members. Pure. One person is one member with several identifiers, each in an object of its own. */
import type { ConsentState, Consent } from '../../domain/event.ts';
import type { Identifier } from '../../domain/identifiers.ts';
import type { Member, PushOperation } from '../destination.ts';
import { NO_IDENTIFIER } from '../rows.ts';
import { ADDRESS_FIELDS } from './identify.ts';

/** https://developers.google.com/data-manager/api/devguides/limits (read 2026-11) */
export const MEMBERS_PER_CALL = 10_000;
export const IDENTIFIERS_PER_MEMBER = 10;

interface Address {
  givenName: string;
  familyName: string;
  regionCode: string;
  postalCode: string;
}

/** Exactly one of the three. */
export type UserIdentifier = { emailAddress: string } | { phoneNumber: string } | { address: Address };

export interface AudienceMember {
  compositeData: { userData: { userIdentifiers: UserIdentifier[] } };
  consent?: { adUserData?: ConsentStatus; adPersonalization?: ConsentStatus };
}

type ConsentStatus = 'CONSENT_GRANTED' | 'CONSENT_DENIED';

export interface MappedCall {
  audienceMembers: AudienceMember[];
  /** Index of our member that each of Google's belongs to. */
  memberOf: number[];
  carries: number[];
  unusable: { index: number; reason: string }[];
}

/** Puts one call together. A removal also has members for what the person went by before. */
export function mapCall(operation: PushOperation, members: readonly Member[]): MappedCall {
  const call: MappedCall = { audienceMembers: [], memberOf: [], carries: [], unusable: [] };
  for (const [index, member] of members.entries()) {
    const own = audienceMembersOf(operation, member);
    if (own.length === 0) {
      call.unusable.push({ index, reason: NO_IDENTIFIER });
      continue;
    }
    if (call.audienceMembers.length + own.length > MEMBERS_PER_CALL) break;
    call.audienceMembers.push(...own);
    call.memberOf.push(...own.map(() => index));
    call.carries.push(index);
  }
  return call;
}

/**
 * What the add sent, whole, because whether a part of it removes a person is unconfirmed. Then the same with the values that
 * the person had before instead of today's.
 */
function audienceMembersOf(operation: PushOperation, { today, former, consent }: Member): AudienceMember[] {
  const sets = [userIdentifiers(today)];
  if (operation === 'remove' && former.length > 0) {
    const replaced = new Set(former.map(({ type }) => type));
    sets.push(userIdentifiers([...former, ...today.filter(({ type }) => !replaced.has(type))]));
  }
  const said = operation === 'add' ? consentOf(consent) : undefined;
  return sets.flatMap((identifiers) => chunks(identifiers)).map((identifiers) => ({ compositeData: { userData: { userIdentifiers: identifiers } }, ...(said ? { consent: said } : {}) }));
}

function userIdentifiers(identifiers: readonly Identifier[]): UserIdentifier[] {
  const contacts = identifiers.flatMap(({ type, value }): UserIdentifier[] => {
    if (type === 'emailAddress') return [{ emailAddress: value }];
    return type === 'phoneNumber' ? [{ phoneNumber: value }] : [];
  });
  const address = addressOf(identifiers);
  return address ? [...contacts, { address }] : contacts;
}

/** Undefined unless all four parts are there. */
function addressOf(identifiers: readonly Identifier[]): Address | undefined {
  const parts = ADDRESS_FIELDS.map((type) => identifiers.find((identifier) => identifier.type === type)?.value);
  const [givenName, familyName, regionCode, postalCode] = parts;
  if (givenName === undefined || familyName === undefined || regionCode === undefined || postalCode === undefined) return undefined;
  return { givenName, familyName, regionCode, postalCode };
}

const chunks = (identifiers: readonly UserIdentifier[]): UserIdentifier[][] =>
  Array.from({ length: Math.ceil(identifiers.length / IDENTIFIERS_PER_MEMBER) }, (_, index) =>
    identifiers.slice(index * IDENTIFIERS_PER_MEMBER, (index + 1) * IDENTIFIERS_PER_MEMBER),
  );

const STATUS: Record<ConsentState, ConsentStatus> = { granted: 'CONSENT_GRANTED', denied: 'CONSENT_DENIED' };

/** What the person said; what they did not say is left out. */
function consentOf(consent: Consent | undefined): AudienceMember['consent'] {
  const { ad_user_data: userData, ad_personalization: personalization } = consent ?? {};
  if (userData === undefined && personalization === undefined) return undefined;
  return { ...(userData === undefined ? {} : { adUserData: STATUS[userData] }), ...(personalization === undefined ? {} : { adPersonalization: STATUS[personalization] }) };
}
