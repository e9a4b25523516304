/** Rules about what comes from Customer.io. Pure. */
import type { AlertFacts, SourceFacts } from '../alert-facts.ts';
import type { Finding } from '../alerts.ts';
import { judgeVolume } from '../volume.ts';
import { HOUR, levelOf, many, MINUTE, percent, span, sum, type AlertRule } from './rule.ts';

const answersOf = (counts: Readonly<Record<string, number>>, answer: string): number => counts[answer] ?? 0;

function forSources(facts: AlertFacts, find: (source: SourceFacts) => Pick<Finding, 'level' | 'what' | 'since' | 'cure' | 'command'> | null, rule: string): Finding[] {
  return facts.sources.flatMap((source) => {
    const found = find(source);
    return found ? [{ rule, subject: source.source, source: source.source, stillTargeted: 0, ...found }] : [];
  });
}

export const SOURCE_RULES = {
  webhook_volume: {
    title: 'Far fewer or more webhooks than at this hour of earlier weeks',
    unit: null,
    defaults: { warning: 0, critical: 0, least: 50 },
    atOnce: false,
    find: (facts, threshold) =>
      forSources(facts, ({ source, volume }) => {
        const judged = judgeVolume(volume, threshold.least);
        return judged && {
          level: judged.level,
          what: `${many(volume.now, 'webhook')} came from ${source} in the last hour; ${judged.usual}.`,
          since: facts.now - HOUR,
          cure: judged.low ? 'See in Customer.io whether its campaigns and webhook actions run (and whether their deliveries fail), and whether they reach this address.' : 'See in Customer.io what sends so much: a changed segment, a campaign without an entry limit, a broadcast.',
        };
      }, 'webhook_volume'),
  },
  source_silent: {
    title: 'No webhook has come from a source',
    unit: 'duration',
    defaults: { warning: 24 * HOUR, critical: 72 * HOUR, least: 0 },
    atOnce: true,
    find: (facts, threshold) =>
      forSources(facts, ({ source, lastAt }) => {
        const level = lastAt === null ? null : levelOf(facts.now - lastAt, threshold);
        return level && {
          level,
          what: `Nothing has come from ${source} for ${span(facts.now - (lastAt ?? 0))}.`,
          since: lastAt,
          cure: 'See in Customer.io whether the campaigns still run and whether their webhook deliveries fail; a source that is quiet by nature gets a longer time in alerts.rules.source_silent.',
        };
      }, 'source_silent'),
  },
  signature_failures: {
    title: 'Webhooks come with a wrong signature (count in a quarter of an hour)',
    unit: 'count',
    defaults: { warning: 10, critical: 100, least: 1 },
    atOnce: false,
    find: (facts, threshold) =>
      forSources(facts, ({ source, quarter }) => {
        const refused = answersOf(quarter, 'unauthorised');
        const level = refused >= threshold.least ? levelOf(refused, threshold) : null;
        return level && {
          level: refused === sum(quarter) ? 'critical' : level,
          what: `${String(refused)} of ${many(sum(quarter), 'webhook')} of ${source} were refused for their signature or token in the last 15 minutes.`,
          since: facts.now - 15 * MINUTE,
          cure: 'Compare the signing key in Customer.io with signing_secret in headgate.yaml; two secrets may be active while one replaces the other. Webhooks that were refused are sent again by Customer.io for some hours.',
        };
      }, 'signature_failures'),
  },
  invalid_rate: {
    title: 'A large share of the webhooks cannot be understood',
    unit: 'share',
    defaults: { warning: 0.05, critical: 0.25, least: 5 },
    atOnce: false,
    find: (facts, threshold) =>
      forSources(facts, ({ source, hour }) => {
        const [invalid, known] = [answersOf(hour, 'invalid') + answersOf(hour, 'conflict'), sum(hour) - answersOf(hour, 'unauthorised')];
        const level = invalid >= threshold.least ? levelOf(invalid / known, threshold) : null;
        return level && {
          level,
          what: `${percent(invalid / known)} of the webhooks of ${source} could not be used (${String(invalid)} of ${String(known)} in the last hour). They are kept in quarantine.`,
          since: facts.now - HOUR,
          cure: 'Read the reasons, correct the webhook in Customer.io, then replay what is in quarantine.',
          command: 'headgate quarantine list',
        };
      }, 'invalid_rate'),
  },
  quarantine_growth: {
    title: 'Quarantine grows (count in an hour)',
    unit: 'count',
    defaults: { warning: 20, critical: 500, least: 1 },
    atOnce: false,
    find: (facts, threshold) =>
      forSources(facts, ({ source, quarantine }) => {
        const level = quarantine.lastHour >= threshold.least ? levelOf(quarantine.lastHour, threshold) : null;
        return level && {
          level,
          what: `${String(quarantine.lastHour)} webhooks of ${source} went to quarantine in the last hour; ${String(quarantine.open)} wait there.`,
          since: facts.now - HOUR,
          cure: 'Read the reasons, correct the webhook in Customer.io, then replay what is in quarantine.',
          command: 'headgate quarantine list',
        };
      }, 'quarantine_growth'),
  },
} satisfies Record<string, AlertRule>;
