/** Rules about warehouses and about Headgate itself. Pure. */
import type { Finding } from '../alerts.ts';
import { HOUR, levelOf, many, MINUTE, NO_NUMBERS, span, type AlertRule } from './rule.ts';

export const OPERATION_RULES = {
  export_stuck: {
    title: 'A warehouse refuses every row until a person acts',
    unit: null,
    defaults: NO_NUMBERS,
    atOnce: true,
    find: (facts) =>
      facts.exporters.flatMap(({ exporter, state, since, cause, cure }) => state !== 'stuck' ? [] : [{
        rule: 'export_stuck', subject: exporter, destination: exporter, level: 'critical', since, stillTargeted: 0,
        what: `No exposure gets through to ${exporter}. The warehouse says: ${cause ?? 'nothing'}`,
        cure: cure ?? 'See the export in the Temporal UI.',
        command: 'headgate export status',
      }]),
  },
  export_lag: {
    title: 'Exposures wait for the warehouse',
    unit: 'duration',
    defaults: { warning: 15 * MINUTE, critical: 2 * HOUR, least: 1 },
    atOnce: false,
    find: (facts, threshold) =>
      facts.exporters.flatMap(({ exporter, unsent, oldestUnsentAt, cause }) => {
        const level = unsent >= threshold.least && oldestUnsentAt !== null ? levelOf(facts.now - oldestUnsentAt, threshold) : null;
        return level ? [{
          rule: 'export_lag', subject: exporter, destination: exporter, level, since: oldestUnsentAt, stillTargeted: 0,
          what: `${many(unsent, 'exposure')} wait for ${exporter}, the oldest for ${span(facts.now - (oldestUnsentAt ?? facts.now))}.${cause === null ? '' : ` The warehouse says: ${cause}`}`,
          cure: 'See how the export stands; nothing is lost, it goes on by itself when the warehouse takes rows again.',
          command: 'headgate export status',
        }] : [];
      }),
  },
  export_parked: {
    title: 'A warehouse refuses rows',
    unit: 'count',
    defaults: { warning: 1, critical: 1_000, least: 1 },
    atOnce: false,
    find: (facts, threshold) =>
      facts.exporters.flatMap(({ exporter, parked }) => {
        const level = parked >= threshold.least ? levelOf(parked, threshold) : null;
        return level ? [{
          rule: 'export_parked', subject: exporter, destination: exporter, level, since: null, stillTargeted: 0,
          what: `${exporter} refuses ${many(parked, 'exposure')}; they are kept with the reason.`,
          cure: 'Mend the table as the reason says, then have them tried again.',
          command: `headgate export retry ${exporter}`,
        }] : [];
      }),
  },
  action_stuck: {
    title: 'A tool takes nothing until a person acts',
    unit: null,
    defaults: NO_NUMBERS,
    atOnce: true,
    find: (facts) =>
      facts.actions.flatMap(({ action, state, since, cause, cure }) => state !== 'stuck' ? [] : [{
        rule: 'action_stuck', subject: action, level: 'critical', since, stillTargeted: 0,
        what: `Nothing gets through to the action ${action}. It says: ${cause ?? 'nothing'}`,
        cure: cure ?? 'See the queue of the action in the Temporal UI.',
        command: 'headgate action list',
      }]),
  },
  action_behind: {
    title: 'Events wait for a tool',
    unit: 'duration',
    defaults: { warning: 30 * MINUTE, critical: 4 * HOUR, least: 1 },
    atOnce: false,
    find: (facts, threshold) =>
      facts.actions.flatMap(({ action, waiting, oldestWaitingAt, cause, paused }) => {
        const level = waiting >= threshold.least && oldestWaitingAt !== null && !paused ? levelOf(facts.now - oldestWaitingAt, threshold) : null;
        return level ? [{
          rule: 'action_behind', subject: action, level, since: oldestWaitingAt, stillTargeted: 0,
          what: `${many(waiting, 'event')} ${waiting === 1 ? 'waits' : 'wait'} for the action ${action}, the oldest for ${span(facts.now - (oldestWaitingAt ?? facts.now))}.${cause === null ? '' : ` It says: ${cause}`}`,
          cure: 'Nothing is lost: it goes on by itself when the tool takes it. See whether the tool is down or its rate too small.',
          command: 'headgate action list',
        }] : [];
      }),
  },
  workflows_behind: {
    title: 'Decided events wait for their workflow: Temporal is behind',
    unit: 'duration',
    defaults: { warning: 5 * MINUTE, critical: 30 * MINUTE, least: 1 },
    atOnce: false,
    find: ({ outbox, now }, threshold) => {
      const level = outbox.waiting >= threshold.least && outbox.oldestAt !== null ? levelOf(now - outbox.oldestAt, threshold) : null;
      return level ? [{
        rule: 'workflows_behind', subject: 'relay', level, since: outbox.oldestAt, stillTargeted: 0,
        what: `${many(outbox.waiting, 'decided event')} wait for ${outbox.waiting === 1 ? 'its workflow' : 'their workflows'} to be started, the oldest for ${span(now - (outbox.oldestAt ?? now))}. Audiences are pushed all the same.`,
        cure: 'See whether Temporal answers and keeps up (its own metrics), and whether an api process runs.',
      }] : [];
    },
  },
  restored: {
    title: 'The ledger or Temporal was restored from a backup',
    unit: null,
    defaults: NO_NUMBERS,
    atOnce: true,
    find: ({ restores, now }) =>
      restores.map(({ what, since, noticedAt }): Finding => what === 'ledger'
        ? {
            rule: 'restored', subject: 'ledger', level: 'critical', since: noticedAt, stillTargeted: 0,
            what: `The ledger is older than what was decided: it was restored to a time ${span(now - (since ?? now))} ago. Until that is read back nobody enters an audience and no tool is told; removals go on.`,
            cure: 'Read back from Temporal what is missing; --dry-run says first how much that is.',
            command: 'headgate reconcile',
          }
        : {
            rule: 'restored', subject: 'temporal', level: 'warning', since: noticedAt, stillTargeted: 0,
            what: `Temporal is older than the ledger: ${since === null ? 'its database is new or was lost' : `it was restored to a time ${span(now - since)} ago`}. Audiences are pushed and windows end all the same.`,
            cure: 'Start again the workflows that Temporal does not know any more.',
            command: 'headgate reconcile',
          }),
  },
  registries_differ: {
    title: 'Processes run with different headgate.yaml files',
    unit: null,
    defaults: NO_NUMBERS,
    atOnce: false,
    find: ({ registries, now }) => registries <= 1 ? [] : [{
      rule: 'registries_differ', subject: 'processes', level: 'warning', since: now, stillTargeted: 0,
      what: `Processes with ${String(registries)} different headgate.yaml files (or secrets) run on this ledger.`,
      cure: 'Restart them all with the same file.',
    }],
  },
  channel_failing: {
    title: 'Alerts cannot be delivered',
    unit: null,
    defaults: NO_NUMBERS,
    atOnce: true,
    find: ({ channels }) => channels.map(({ owner, channel, failingSince, error, attempts }): Finding => ({
      rule: 'channel_failing', subject: `${owner}/${channel}`, level: 'warning', since: failingSince, stillTargeted: 0,
      what: `${owner} could not be told by ${channel} (${String(attempts)} attempts): ${error}`,
      cure: 'Correct the channel in headgate.yaml (alerts, owners) and try it.',
      command: 'headgate alerts test',
    })),
  },
} satisfies Record<string, AlertRule>;
