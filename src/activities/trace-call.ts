/** A call to a platform in traces: once in the trace of the turn that makes it, and once in the trace of each event that it carries. */
import { activityInfo } from '@temporalio/activity';
import { now, placeOfAttempt, placeOfEvent, within } from '../monitoring/tracing.ts';
import type { ActivityDependencies } from './dependencies.ts';
import type { Call } from './make-call.ts';

/** A call carries up to 10,000 members; so many of them get a span of their own. */
const MOST_EVENTS = 100;

/** Does the work. Where there are no traces, nothing else. */
export async function traceCall<T>({ tracer, ledger }: ActivityDependencies, { target, operation, members }: Call, work: () => Promise<T>): Promise<T> {
  if (!tracer) return work();
  const place = within(placeOfAttempt(activityInfo()));
  const beganAt = now();
  const record = async (failure?: string): Promise<void> => {
    const endedAt = now();
    const about = { destination: target.destination, audience: target.audienceKey, operation };
    tracer.record({ place, name: `call ${target.destination}`, kind: 'client', beganAt, endedAt, attributes: { ...about, members: members.length }, failure });
    const personIds = members.slice(0, MOST_EVENTS).map(({ personId }) => personId);
    for (const eventId of await ledger.findDecidingEvents(target.audienceKey, personIds).catch(() => [])) {
      tracer.record({ place: within(placeOfEvent(eventId)), name: `push to ${target.destination}`, kind: 'client', beganAt, endedAt, attributes: { ...about, event_id: eventId }, failure, link: place });
    }
  };
  try {
    const result = await work();
    void record();
    return result;
  } catch (error) {
    void record(error instanceof Error ? error.message : 'failed');
    throw error;
  }
}
