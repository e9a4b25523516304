/** What Google's Data Manager API finds wrong with a request before it takes it in. Field list: google/ads/datamanager/v1 (read 2026-11). */
import { HASH_OF_NOTHING, SHA256_HEX } from './answer-call.ts';

export interface AudienceMember {
  compositeData?: { userData?: { userIdentifiers?: Record<string, unknown>[] } };
  consent?: { adUserData?: string; adPersonalization?: string };
}

export interface AudienceRequest {
  destinations?: { operatingAccount?: { accountType?: string; accountId?: string }; loginAccount?: { accountType?: string; accountId?: string }; productDestinationId?: string }[];
  audienceMembers?: AudienceMember[];
  encoding?: string;
  termsOfService?: { customerMatchTermsOfServiceStatus?: string };
  validateOnly?: boolean;
}

export interface Violation {
  reason: string;
  field: string;
  description: string;
}

const FIELDS = { add: new Set(['destinations', 'audienceMembers', 'consent', 'validateOnly', 'encoding', 'encryptionInfo', 'termsOfService']), remove: new Set(['destinations', 'audienceMembers', 'validateOnly', 'encoding', 'encryptionInfo']) };
const MEMBER_FIELDS = new Set(['destinationReferences', 'consent', 'compositeData']);
const CONSENTS = new Set([undefined, 'CONSENT_GRANTED', 'CONSENT_DENIED', 'CONSENT_STATUS_UNSPECIFIED']);
const ADDRESS = ['givenName', 'familyName', 'regionCode', 'postalCode'];
const MOST_MEMBERS = 10_000;
const MOST_IDENTIFIERS = 10;
const MOST_VIOLATIONS = 50;

const violation = (reason: string, field: string, description: string): Violation => ({ reason, field, description });

export function findViolations(body: AudienceRequest, action: 'add' | 'remove', mostMembers = MOST_MEMBERS): Violation[] {
  const unknown = Object.keys(body).filter((field) => !FIELDS[action].has(field));
  const members = body.audienceMembers ?? [];
  const found = [
    ...unknown.map((field) => violation('INVALID_ARGUMENT', field, `Unknown name "${field}"`)),
    ...(body.destinations?.length === 1 ? [] : [violation('REQUIRED_FIELD_MISSING', 'destinations', 'one destination is expected')]),
    ...(body.destinations?.[0]?.operatingAccount?.accountType === 'GOOGLE_ADS' ? [] : [violation('INVALID_DESTINATION', 'destinations[0].operating_account.account_type', 'required')]),
    ...(body.encoding === 'HEX' ? [] : [violation('REQUIRED_FIELD_MISSING', 'encoding', 'required for user data')]),
    ...(action === 'remove' || body.termsOfService?.customerMatchTermsOfServiceStatus === 'ACCEPTED' ? [] : [violation('TERMS_AND_CONDITIONS_NOT_SIGNED', 'terms_of_service', 'must be accepted')]),
    ...(members.length === 0 ? [violation('REQUIRED_FIELD_MISSING', 'audience_members', 'required')] : []),
    ...(members.length > mostMembers ? [violation('TOO_MANY_AUDIENCE_MEMBERS', 'audience_members', `more than ${String(mostMembers)}`)] : []),
  ];
  for (const [index, member] of members.entries()) {
    if (found.length >= MOST_VIOLATIONS) break;
    found.push(...memberViolations(member, `audience_members.audience_members[${String(index)}]`));
  }
  return found;
}

function memberViolations(member: AudienceMember, at: string): Violation[] {
  const unknown = Object.keys(member).find((field) => !MEMBER_FIELDS.has(field));
  if (unknown !== undefined) return [violation('INVALID_AUDIENCE_MEMBER', at, `Unknown name "${unknown}"`)];
  if (!CONSENTS.has(member.consent?.adUserData) || !CONSENTS.has(member.consent?.adPersonalization)) return [violation('INVALID_ENUM_VALUE', `${at}.consent`, 'not a consent status')];
  const identifiers = member.compositeData?.userData?.userIdentifiers ?? [];
  const where = `${at}.composite_data.user_data.user_identifiers`;
  if (identifiers.length === 0) return [violation('NO_IDENTIFIERS_PROVIDED', where, 'at least one is required')];
  if (identifiers.length > MOST_IDENTIFIERS) return [violation('TOO_MANY_USER_IDENTIFIERS', where, `more than ${String(MOST_IDENTIFIERS)}`)];
  return identifiers.flatMap((identifier) => identifierViolations(identifier, where)).slice(0, 1);
}

function identifierViolations(identifier: Record<string, unknown>, at: string): Violation[] {
  const [[kind, value] = [], ...others] = Object.entries(identifier);
  if (kind === undefined || others.length > 0) return [violation('INVALID_ARGUMENT', at, 'exactly one of email_address, phone_number and address')];
  if (kind === 'emailAddress' || kind === 'phoneNumber') return hashViolations(value, `${at}.${kind}`);
  if (kind !== 'address' || typeof value !== 'object' || value === null) return [violation('INVALID_ARGUMENT', at, `Unknown name "${kind}"`)];
  const address = value as Record<string, unknown>;
  const missing = ADDRESS.find((field) => typeof address[field] !== 'string' || address[field] === '');
  if (missing !== undefined) return [violation('REQUIRED_FIELD_MISSING', `${at}.address.${missing}`, 'required')];
  if (!/^[A-Z]{2}$/.test(String(address['regionCode']))) return [violation('INVALID_REGION_CODE', `${at}.address.region_code`, 'two capital letters')];
  return [...hashViolations(address['givenName'], `${at}.address.given_name`), ...hashViolations(address['familyName'], `${at}.address.family_name`)];
}

function hashViolations(value: unknown, at: string): Violation[] {
  if (typeof value === 'string' && SHA256_HEX.test(value) && value !== HASH_OF_NOTHING) return [];
  const hex = typeof value === 'string' && /^[0-9a-f]*$/i.test(value);
  return [violation(hex ? 'INVALID_SHA256_FORMAT' : 'INVALID_HEX_ENCODING', at, 'not a SHA-256 in hex')];
}
