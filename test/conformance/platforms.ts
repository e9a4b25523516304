/** What the conformance suite has to know of each platform; everything else it learns through the port. */
import type { FailureKind } from '../../src/domain/failures.ts';
import type { FaultName } from '../../src/sandbox/faults.ts';
import { workloadIdentity } from '../support/google-credentials.ts';

export interface ConformingPlatform {
  /** As in headgate.yaml. */
  settings: Record<string, unknown>;
  /** The same with credentials that the platform does not accept. `url`: where the stand-in answers for this destination. */
  wrongCredentials: (url: string) => Record<string, unknown>;
  /** Texts that must never show up in an error. */
  secrets: string[];
  /** What an answer about an audience says when it tells no size. */
  untoldSize: Record<string, unknown>;
  /** What a fault means here, where it is another kind than the fault's name says. */
  kinds?: Partial<Record<FaultName, FailureKind>>;
  /** `check` can find out that the terms are not accepted. */
  showsTerms?: true;
  /** Answers name what is refused for an audience that refuses removals. */
  refusesRemovals?: true;
}

export const CONFORMING: Record<string, ConformingPlatform> = {
  meta: {
    settings: { access_token: 'meta-token-0123456789', ad_account: 'act_1', app_secret: 'meta-app-secret-0123' },
    wrongCredentials: () => ({ access_token: 'meta-wrong-0123456789', ad_account: 'act_1' }),
    untoldSize: { approximate_count_lower_bound: -1, approximate_count_upper_bound: -1 },
    secrets: ['meta-token-0123456789', 'meta-app-secret-0123', 'meta-wrong-0123456789'],
    showsTerms: true,
    refusesRemovals: true,
  },
  google: {
    settings: { operating_account: '123-456-7890', status_after: '1s', gather: '1s' },
    wrongCredentials: (url) => ({ operating_account: '1234567890', credentials_file: workloadIdentity(url, 'google-subject-token-0123') }),
    untoldSize: { sizeInfo: undefined },
    secrets: ['google-subject-token-0123'],
    showsTerms: true,
    refusesRemovals: true,
  },
  tiktok: {
    settings: { access_token: 'tiktok-token-0123456789', advertiser_id: '7' },
    wrongCredentials: () => ({ access_token: 'tiktok-wrong-0123456789', advertiser_id: '7' }),
    untoldSize: { is_valid: false, cover_num: 0 },
    secrets: ['tiktok-token-0123456789', 'tiktok-wrong-0123456789'],
    refusesRemovals: true,
  },
  snap: {
    settings: { ad_account: 'acc-1', client_id: 'client', client_secret: 'snap-secret-0123456789', refresh_token: 'snap-refresh-0123456789' },
    wrongCredentials: () => ({ ad_account: 'acc-1', client_id: 'client', client_secret: 'snap-secret-0123456789', refresh_token: 'snap-wrong-0123456789' }),
    untoldSize: { approximate_number_users: undefined },
    secrets: ['snap-secret-0123456789', 'snap-refresh-0123456789', 'snap-wrong-0123456789'],
    // Snap's documentation names no code for terms; a refusal is a missing role.
    kinds: { needs_person: 'unauthorised', refuse_removals: 'unauthorised' },
  },
};
