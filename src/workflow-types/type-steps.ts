/** The steps that every workflow type may use (src/workflows/authoring.ts), over two small ports: the testing kit gives them others. */
import { ApplicationFailure } from '@temporalio/common';
import { entityWorkflowId, type EmitInput, type Emitted, type EventsInput, type FoundEvent, type TellEntityInput, type Told } from '../workflows/type-contract.ts';
import { emittedEvent, emittedId, type EmissionPolicies } from './emitted-event.ts';
import type { Entities } from './entities.ts';
import type { TypeStore } from './type-store.ts';

export interface TypeStepsDependencies {
  store: TypeStore;
  entities: Entities;
  policies: EmissionPolicies;
  /** Milliseconds since the epoch. Default: the clock's. */
  now?: () => number | Promise<number>;
}

/** What headgate.yaml does not know today it may know after a restart: tried again at this pace. */
const MENDED_LATER = '1m';

export function createTypeSteps({ store, entities, policies, now = Date.now }: TypeStepsDependencies) {
  /** Decides a further event about the person. A mistake shows in the Temporal UI, and is tried again: headgate.yaml may be mended. */
  async function emit(input: EmitInput): Promise<Emitted> {
    const receivedAt = await now();
    // Who they are by now, and who they were: two workflows may have begun with two persons that are one since.
    const [base = input.personId, ...former] = input.emit.oncePer === 'person' ? await store.personsOf(input.personId) : [input.event.eventId];
    const known = former.length === 0 ? null : await store.known(former.map((one) => emittedId(one, input.emit.suffix)));
    if (known !== null) return { eventId: known, status: 'duplicate' };
    const made = emittedEvent(input, { base, policies, receivedAt });
    if ('problems' in made) throw mendable(input, made.problems.map(({ path, message }) => `${path} ${message}`).join('; '));
    const { event } = made;
    const outcome = await store.apply(event);
    switch (outcome.kind) {
      case 'decided':
        return { eventId: event.eventId, status: outcome.decision.status };
      case 'duplicate':
        return { eventId: event.eventId, status: 'duplicate' };
      case 'unknown_audience':
        throw mendable(input, `audienceKey ${outcome.audienceKey} is not an audience of headgate.yaml`);
      case 'conflict': {
        const known = [outcome.known.name, outcome.known.audienceKey, outcome.known.action].filter((part) => part !== null && part !== undefined).join(' ');
        throw ApplicationFailure.nonRetryable(`emit "${input.emit.suffix}": the event ${event.eventId} was already decided as ${known}. Give each emit of a workflow a suffix of its own.`, 'conflict');
      }
      case 'refused':
        throw ApplicationFailure.nonRetryable(`emit "${input.emit.suffix}": the ledger cannot store it: ${outcome.problem}`, 'refused');
    }
  }
  /** The person's own entity may have been started before they were merged into somebody: then that one is told. */
  async function tellEntity({ personId, workflow, signal, payload, key, start }: TellEntityInput): Promise<Told> {
    const keys = key === undefined ? await store.personsOf(personId) : [key];
    const ids = keys.map((one) => entityWorkflowId(workflow, one));
    const [own = entityWorkflowId(workflow, personId)] = ids;
    let told: string | undefined;
    if (start === undefined || ids.length > 1) for (const workflowId of ids) if (await entities.signal(workflowId, signal, payload)) told ??= workflowId;
    if (told !== undefined) return { workflowId: told, told: 'told' };
    if (start === undefined) return { workflowId: own, told: 'nobody' };
    await entities.signalWithStart(own, { workflow, start, signal, payload, personId });
    return { workflowId: own, told: 'started or told' };
  }
  return {
    emit,
    countEvents: (which: EventsInput): Promise<number> => store.count(which),
    lastEvent: (which: EventsInput): Promise<FoundEvent | null> => store.last(which),
    listEvents: (which: EventsInput): Promise<FoundEvent[]> => store.list(which),
    tellEntity,
  };
}

/** Names that no type's own step may have. */
export const OWN_STEP_NAMES = ['emit', 'countEvents', 'lastEvent', 'listEvents', 'tellEntity'] as const satisfies (keyof TypeSteps)[];

export type TypeSteps = ReturnType<typeof createTypeSteps>;

const mendable = ({ event, emit: { suffix } }: EmitInput, problem: string): ApplicationFailure =>
  ApplicationFailure.create({ message: `emit "${suffix}" of ${event.eventId}: ${problem}. It is tried again: mend headgate.yaml, or the workflow type, and restart Headgate.`, type: 'misconfigured', nextRetryDelay: MENDED_LATER });
