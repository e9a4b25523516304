import type { StepDependencies } from 'headgate/workflow-type';
import { readSettings, type Settings } from './settings.ts';

export const createActivities = ({ settings }: StepDependencies) => {
  const read = readSettings(settings);
  return {
    /** A step, so that each workflow goes on with the rules that it began with, whatever becomes of headgate.yaml meanwhile. */
    // eslint-disable-next-line @typescript-eslint/require-await -- steps are asynchronous
    async readRules(): Promise<Settings> {
      return read;
    },
  };
};

export type Activities = ReturnType<typeof createActivities>;
