import type { StepDependencies } from 'headgate/workflow-type';
import { z } from 'zod';
import { readSettings, type Plan } from './settings.ts';

const answer = z.object({ status: z.string() });
const ANSWER_WITHIN_MS = 10_000;

export const createActivities = ({ settings, fetch }: StepDependencies) => {
  const { shop_url: shopUrl, shop_token: shopToken, ...plan } = readSettings(settings);
  return {
    /** A step, so that who is under way goes on with the plan that they began with, whatever becomes of headgate.yaml meanwhile. */
    // eslint-disable-next-line @typescript-eslint/require-await -- steps are asynchronous
    async readPlan(): Promise<Plan> {
      return plan;
    },

    /** `unknown`: the shop was not to be asked, or knows no such subscription. While the shop does not answer this is tried again, and nothing is sent. */
    async askShop(subscriptionId: string): Promise<string> {
      if (shopUrl === undefined) return 'unknown';
      const response = await fetch(shopUrl.replace('{subscription_id}', encodeURIComponent(subscriptionId)), {
        headers: { accept: 'application/json', ...(shopToken === undefined ? {} : { authorization: `Bearer ${shopToken}` }) },
        signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
      });
      if (response.status === 404) return 'unknown';
      if (!response.ok) throw new Error(`The shop answered ${String(response.status)} when it was asked for the subscription ${subscriptionId}.`);
      return answer.parse(await response.json()).status;
    },
  };
};

export type Activities = ReturnType<typeof createActivities>;
