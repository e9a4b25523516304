import { hashOnce, normaliseEmail } from '../destinations/user-data.ts';

/** Customer ids as they are, and e-mail addresses as `email:<hash>`, the way in which the ledger knows both. */
export const resolveTestProfiles = (profiles: readonly string[]): string[] =>
  profiles.map((profile) => {
    const email = profile.includes('@') ? normaliseEmail(profile) : undefined;
    return email === undefined ? profile : `email:${hashOnce(email)}`;
  });
