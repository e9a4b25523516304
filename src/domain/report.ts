/** What Customer.io's reporting feed says of a message or a person, besides who and when. Pure types and rules. */

/** The name that reports have among events. No webhook template can send it. */
export const REPORT = 'cio.report';

/** One reporting event. Ids are texts, whatever Customer.io sends; what it does not say is absent. */
export interface Report {
  /** `email`, `push`, `sms`, `whatsapp`, `in_app`, `slack`, `webhook`, `customer`, or what else Customer.io may add. */
  channel: string;
  /** `sent`, `opened`, `clicked` …, or what else Customer.io may add. */
  metric: string;
  broadcastId?: string;
  newsletterId?: string;
  transactionalMessageId?: string;
  triggerId?: string;
  triggerEventId?: string;
  parentStepId?: string;
  contentId?: string;
  linkId?: string;
  linkUrl?: string;
  failureReason?: string;
  /** True when a program opened or clicked it; absent when Customer.io does not say. */
  machine?: boolean;
  /** By the source's settings it takes the person out of every audience that the source may use. */
  endsMemberships?: true;
}

export interface ReportPolicy {
  /** Reports get a workflow only when they change a membership. */
  workflowsOnlyWhereNeeded: boolean;
  /** `channel.metric` of those that take the person out of every audience; `*` for any channel. */
  endsMemberships: readonly string[];
}

export const endsMemberships = (policy: ReportPolicy, { channel, metric }: Pick<Report, 'channel' | 'metric'>): boolean =>
  policy.endsMemberships.some((pattern) => pattern === `${channel}.${metric}` || pattern === `*.${metric}`);
