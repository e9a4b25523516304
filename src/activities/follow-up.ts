import { cancellationSignal } from '@temporalio/activity';
import type { Destination, FollowUp, RequestOutcome } from '../destinations/destination.ts';
import { PlatformFailure, type FailureReport } from '../domain/failures.ts';
import type { TargetRef } from '../domain/registry.ts';
import type { OpenRequest, Settlement } from '../ledger/index.ts';
import type { FollowUpResult } from '../workflows/contract.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { destinationOf } from './destination-of.ts';
import { toTemporal } from './failures.ts';
import { whileBeating } from './while-beating.ts';

/** Asked about in one activity. */
const MOST_REQUESTS = 20;

/**
 * Asks a platform that decides later what became of its requests that are due, and writes it down: accepted or rejected; sent
 * again where it failed as a whole; split in two where it refused some members and does not say which. Fails when the platform
 * cannot be asked; what is not settled then is asked about again.
 */
export function createFollowUp(dependencies: ActivityDependencies) {
  const { ledger, logger } = dependencies;

  async function followUp(ref: TargetRef): Promise<FollowUpResult> {
    const { destination } = destinationOf(dependencies, ref);
    const { followUp: platform } = destination;
    const result: FollowUpResult = { again: 0, decided: false, nextCheckMs: null, failed: null };
    if (!platform) return result;
    const due = await ledger.findDueRequests(ref, MOST_REQUESTS);
    for (const request of due) {
      const outcome = await whileBeating(() => ask(destination, platform, request));
      if (outcome.status === 'processing') {
        await ledger.postponeCheck(request.pushId, outcome.checkAfterMs);
        continue;
      }
      const settlement = settlementOf(outcome, request);
      const { again } = await ledger.settleRequest(ref, request, settlement, 'matchRate' in outcome ? outcome.matchRate : undefined);
      result.again += again;
      result.failed ??= failureOf(outcome);
      result.decided ||= outcome.status !== 'failed';
      const of = `request ${request.requestId} of ${String(request.members)} in ${ref.audienceKey}`;
      logger.info({ destination: ref.destination, audience: ref.audienceKey, settlement: settlement.status }, `${ref.destination} decided ${of}: ${inWords(outcome, settlement)}.`);
    }
    return { ...result, nextCheckMs: await ledger.readNextCheck(ref) };
  }

  return { followUp };
}

async function ask({ timeoutMs }: Destination, followUp: FollowUp, { requestId, checks }: OpenRequest): Promise<RequestOutcome> {
  try {
    return await followUp.ask(requestId, checks, AbortSignal.any([AbortSignal.timeout(timeoutMs), cancellationSignal()]));
  } catch (error) {
    // An unanswered question changes nothing, so it is never an unknown outcome.
    if (error instanceof PlatformFailure && error.report.kind === 'timed_out') throw toTemporal(new PlatformFailure(error.message, { ...error.report, kind: 'unavailable' }));
    throw toTemporal(error);
  }
}

/** One member alone in a request that failed for members is the wrong one. */
function settlementOf(outcome: Exclude<RequestOutcome, { status: 'processing' }>, { members }: OpenRequest): Settlement {
  switch (outcome.status) {
    case 'settled':
      return outcome.answer;
    case 'mixed':
      return members === 1 ? { status: 'rejected', reason: outcome.reason } : { status: 'split' };
    case 'failed':
      return { status: 'again' };
  }
}

const failureOf = (outcome: RequestOutcome): FailureReport | null => (outcome.status === 'failed' ? outcome.report : null);

function inWords(outcome: RequestOutcome, settlement: Settlement): string {
  if (settlement.status === 'split') return `some were refused, so it is sent again in halves`;
  return outcome.status === 'failed' ? `it failed and is sent again (${outcome.report.cause})` : settlement.status;
}
