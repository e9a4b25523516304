/**
 * The alert rules: each looks at the facts and says what it finds, with people and commands in it. Pure.
 * A new rule is an entry in one of these files, a section of docs/runbook.md of the same name, and a test.
 */
import type { AlertFacts } from './alert-facts.ts';
import { OPERATION_RULES } from './alert-rules/operation.ts';
import { PLATFORM_RULES } from './alert-rules/platforms.ts';
import type { AlertRule, Threshold } from './alert-rules/rule.ts';
import { SOURCE_RULES } from './alert-rules/sources.ts';
import type { Finding } from './alerts.ts';

export type { AlertRule, Threshold, Unit } from './alert-rules/rule.ts';
export { span } from './alert-rules/rule.ts';

export const RULES = { ...PLATFORM_RULES, ...SOURCE_RULES, ...OPERATION_RULES } satisfies Record<string, AlertRule>;

/** What the api's watchdog finds by itself, because nobody else could. */
export const WATCHDOG_RULES: Readonly<Record<string, string>> = {
  ledger_down: 'The ledger (Postgres) does not answer',
  temporal_down: 'Temporal does not answer',
  monitor_silent: 'No worker runs the monitor',
};

export type RuleName = keyof typeof RULES;
export const ruleOf = (name: string): AlertRule | undefined => (Object.hasOwn(RULES, name) ? RULES[name as RuleName] : undefined);

/** For people. */
export const titleOf = (name: string): string => ruleOf(name)?.title ?? WATCHDOG_RULES[name] ?? name;

/** Per rule what the registry says; absent: the rule is off. */
export type Thresholds = ReadonlyMap<RuleName, Threshold>;

export const DEFAULT_THRESHOLDS: Thresholds = new Map((Object.entries(RULES) as [RuleName, AlertRule][]).map(([name, { defaults }]) => [name, defaults]));

/** What all rules find. */
export const judge = (facts: AlertFacts, thresholds: Thresholds): Finding[] =>
  [...thresholds].flatMap(([name, threshold]) => (RULES[name] as AlertRule).find(facts, threshold));

/** Whether a rule needs no second look; also of the watchdog's own. */
export const isBelievedAtOnce = (name: string): boolean => ruleOf(name)?.atOnce ?? true;
