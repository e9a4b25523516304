/** The body of an ingest or a remove request. Pure. */
import type { PushOperation } from '../destination.ts';
import type { AudienceMember } from './mapping.ts';
import type { GoogleSettings } from './settings.ts';

/** A remove request has neither consent nor terms: an unknown field may make Google refuse it. */
export function requestOf(settings: GoogleSettings, operation: PushOperation, userListId: string, audienceMembers: readonly AudienceMember[]): object {
  const account = (accountId: string): object => ({ accountType: settings.account_type, accountId });
  const destination = {
    operatingAccount: account(settings.operating_account),
    ...(settings.login_account === undefined ? {} : { loginAccount: account(settings.login_account) }),
    productDestinationId: userListId,
  };
  const terms = { termsOfService: { customerMatchTermsOfServiceStatus: settings.customer_match_terms === 'accepted' ? 'ACCEPTED' : 'REJECTED' } };
  return { destinations: [destination], audienceMembers, encoding: 'HEX', ...(operation === 'add' ? terms : {}) };
}
