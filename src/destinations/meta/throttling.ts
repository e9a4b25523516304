/**
 * Meta's usage headers. Which of the three come depends on the call, so all are read.
 * https://developers.facebook.com/documentation/ads-commerce/marketing-api/overview/rate-limiting (read 2026-11)
 */
import { z } from 'zod';

const percent = z.number().catch(0);
const businessUsage = z.record(
  z.string(),
  z.array(
    z.object({
      call_count: percent,
      total_cputime: percent,
      total_time: percent,
      /** Minutes. */
      estimated_time_to_regain_access: z.number().catch(0),
    }),
  ),
);
const accountUsage = z.object({ acc_id_util_pct: percent, /** Seconds. */ reset_time_duration: z.number().catch(0) });
const appUsage = z.object({ call_count: percent, total_time: percent, total_cputime: percent });

/** From this share of the quota on Headgate rests until it is free again, because calls beyond it extend the block. */
const FULL_PERCENT = 95;
/** Usage decays within the rolling hour; a rest of a minute is enough to look again. */
const REST_WITHOUT_A_WORD_MS = 60_000;

/** How long to leave the account alone after this answer, in milliseconds; 0 when there is room. */
export function restAfter(headers: Headers): number {
  return Math.max(businessRest(headers), accountRest(headers), appRest(headers));
}

function businessRest(headers: Headers): number {
  const entries = Object.values(read(headers, 'x-business-use-case-usage', businessUsage) ?? {}).flat();
  return Math.max(
    0,
    ...entries.map((entry) => {
      if (entry.estimated_time_to_regain_access > 0) return entry.estimated_time_to_regain_access * 60_000;
      return Math.max(entry.call_count, entry.total_cputime, entry.total_time) >= FULL_PERCENT ? REST_WITHOUT_A_WORD_MS : 0;
    }),
  );
}

function accountRest(headers: Headers): number {
  const usage = read(headers, 'x-ad-account-usage', accountUsage);
  if (!usage || usage.acc_id_util_pct < FULL_PERCENT) return 0;
  return usage.reset_time_duration > 0 ? usage.reset_time_duration * 1_000 : REST_WITHOUT_A_WORD_MS;
}

function appRest(headers: Headers): number {
  const usage = read(headers, 'x-app-usage', appUsage);
  return usage && Math.max(usage.call_count, usage.total_time, usage.total_cputime) >= FULL_PERCENT ? REST_WITHOUT_A_WORD_MS : 0;
}

function read<T>(headers: Headers, name: string, schema: z.ZodType<T>): T | undefined {
  const text = headers.get(name);
  if (text === null) return undefined;
  try {
    const parsed = schema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}
