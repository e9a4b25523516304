/** Compares what was taken with what is: the ten promises of the design, each with how much was checked and what is wrong. */
import type { Evidence } from '../evidence.ts';
import { openCase } from './case.ts';
import { auditEvents } from './events.ts';
import { Findings, type PromiseRow } from './findings.ts';
import { auditMemberships } from './memberships.ts';
import { auditOrder } from './order.ts';
import { auditPlatforms } from './platforms.ts';

/** Pure: the same evidence gives the same rows. */
export function audit(evidence: Evidence): PromiseRow[] {
  const findings = new Findings();
  const file = openCase(evidence);
  auditEvents(file, findings);
  auditMemberships(file, findings);
  auditPlatforms(file, findings);
  auditOrder(file, findings);
  for (const { where, found } of evidence.texts) findings.check(9, found.length > 0 && `${where} holds ${found.slice(0, 3).join(', ')}`);
  return findings.rows;
}
