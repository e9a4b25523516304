import { allHandlersFinished, condition, continueAsNew, defineSignal, defineUpdate, isCancellation, proxyActivities, proxyLocalActivities, setCurrentDetails, setHandler, workflowInfo } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { pauseAfter, syncStateOf, type FailureReport } from '../domain/failures.ts';
import { EXPORT_UPDATES, SYNC_SIGNALS, type ExportInput, type ExportResult, type ExportStanding } from './contract.ts';
import { describeExport } from './describe-export.ts';
import { describePause } from './describe-standing.ts';
import { failureReportOf } from './failure-report.ts';
import { showStanding } from './show-standing.ts';

const pushNow = defineSignal(SYNC_SIGNALS.pushNow);
const pause = defineUpdate<string>(EXPORT_UPDATES.pause);
const resume = defineUpdate<string>(EXPORT_UPDATES.resume);
const retry = defineUpdate<string>(EXPORT_UPDATES.retry);
const restart = defineUpdate<string>(EXPORT_UPDATES.restart);

const { exportRows } = proxyActivities<Activities>({ summary: 'sends rows to the warehouse', heartbeatTimeout: '10s', startToCloseTimeout: '10m', retry: { initialInterval: '1s', maximumAttempts: 2 } });
const { reportExport } = proxyLocalActivities<Activities>({ startToCloseTimeout: '1s', retry: { maximumAttempts: 1 } });
const { pauseExport, resumeExport, retryExport, restartExport } = proxyActivities<Activities>({ startToCloseTimeout: '10s', retry: { maximumAttempts: 5 } });

/** As in audience-sync.ts: a worker that gets the workflow anew goes through its history step by step. */
const LONGEST_HISTORY = 250;

const PARKED_CURE = '`headgate export status` lists them with their reasons; once nothing is wrong with them, `headgate export retry` sends them again.';

/**
 * Sends the exposures that a warehouse has not got, for ever: a turn, a pause, the next turn. An outage makes it come ever more rarely and say why;
 * nothing is given up. Ends when no worker's headgate.yaml has the exporter any more.
 */
export async function exposureExport(input: ExportInput): Promise<void> {
  const run = new ExportRun(input);
  for (;;) {
    if (await run.takeTurn()) {
      await condition(allHandlersFinished);
      return;
    }
    if (workflowInfo().historyLength > LONGEST_HISTORY) {
      await condition(allHandlersFinished);
      await continueAsNew<typeof exposureExport>(run.nextInput);
    }
  }
}

class ExportRun {
  readonly #exporter: string;
  #standing: ExportStanding;
  #now = false;
  #paused = false;
  /** Counts resumes: a turn that began before one does not know of it. */
  #resumes = 0;

  constructor({ exporter, standing }: ExportInput) {
    this.#exporter = exporter;
    this.#standing = standing ?? { state: 'ok', failures: 0 };
    setHandler(pushNow, () => void (this.#now = true), { description: 'Look at once, also while pausing after a failure.' });
    setHandler(pause, () => this.#pause(), { description: 'Stop sending; the place is kept.' });
    setHandler(resume, () => this.#resume(), { description: 'Send again, at once.' });
    setHandler(retry, () => this.#retry(), { description: 'Send the parked rows again.' });
    setHandler(restart, () => this.#restart(), { description: 'Send everything again from the beginning.' });
    this.#describe();
  }

  get nextInput(): ExportInput {
    return { exporter: this.#exporter, standing: this.#standing };
  }

  /** A turn and the wait after it. Returns whether the exporter is gone. */
  async takeTurn(): Promise<boolean> {
    if (this.#paused) await condition(() => !this.#paused);
    this.#now = false;
    const resumes = this.#resumes;
    let result: ExportResult;
    try {
      result = await exportRows({ exporter: this.#exporter });
    } catch (error) {
      if (isCancellation(error)) throw error;
      await this.#failed(failureReportOf(error));
      return false;
    }
    if (result.gone) return true;
    if (result.paused && resumes === this.#resumes) {
      this.#paused = true;
      await this.#show({ ...this.#standing, state: 'paused', failures: 0 });
      return false;
    }
    await this.#succeeded(result);
    if (!result.more) await condition(() => this.#now || this.#paused, result.everyMs);
    return false;
  }

  async #succeeded({ parkedRows, parkedReason, heldBy }: ExportResult): Promise<void> {
    const report: FailureReport | undefined = parkedRows === 0 ? undefined : { kind: 'needs_person', cause: `rows that the warehouse refuses: ${String(parkedRows)}. The last one: ${parkedReason ?? ''}`, cure: PARKED_CURE };
    const next: ExportStanding = { state: this.#paused ? 'paused' : report ? syncStateOf(report.kind) : 'ok', failures: 0, lastSuccessAt: Date.now(), ...(report ? { report } : {}), ...(heldBy === null ? {} : { heldBy }) };
    if (this.#standing.state !== next.state || this.#standing.report?.cause !== next.report?.cause) return this.#show(next);
    this.#standing = next;
    this.#describe();
  }

  async #failed(report: FailureReport): Promise<void> {
    const failures = this.#standing.failures + 1;
    const retryInMs = pauseAfter(report, failures, Math.random());
    const { lastSuccessAt } = this.#standing;
    await this.#show({ state: this.#paused ? 'paused' : syncStateOf(report.kind), failures, report, ...(lastSuccessAt === undefined ? {} : { lastSuccessAt }) }, retryInMs);
    await condition(() => this.#now || this.#paused, retryInMs, { summary: describePause(report, failures) });
  }

  async #pause(): Promise<string> {
    await pauseExport({ exporter: this.#exporter });
    this.#paused = true;
    await this.#show({ ...this.#standing, state: 'paused' });
    return `${this.#exporter} is paused; its place is kept`;
  }

  async #resume(): Promise<string> {
    await resumeExport({ exporter: this.#exporter });
    this.#resumes++;
    this.#paused = false;
    this.#now = true;
    await this.#show({ ...this.#standing, state: 'ok', failures: 0 });
    return `${this.#exporter} sends again`;
  }

  async #retry(): Promise<string> {
    const count = await retryExport({ exporter: this.#exporter });
    this.#now = true;
    return `${String(count)} parked rows of ${this.#exporter} are sent again`;
  }

  async #restart(): Promise<string> {
    await restartExport({ exporter: this.#exporter });
    this.#now = true;
    return `${this.#exporter} sends everything again from the beginning`;
  }

  async #show(standing: ExportStanding, retryInMs?: number): Promise<void> {
    this.#standing = standing;
    await showStanding(standing, describeExport(this.#exporter, this.#standing), (told) => reportExport({ exporter: this.#exporter, ...told }), retryInMs);
  }

  #describe(): void {
    setCurrentDetails(describeExport(this.#exporter, this.#standing));
  }
}
