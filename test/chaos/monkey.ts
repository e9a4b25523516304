/** Does what the plan says to the fleet and its servers, one thing at a time to each victim, and mends everything in the end. */
import { until } from '../support/until.ts';
import type { Child } from './child.ts';
import type { PlannedDisturbance } from './disturbance-plan.ts';
import type { Fleet, Wire } from './fleet.ts';
import type { Server, Servers } from './servers.ts';

/** What was done, and for how long things were not as they should be. Times in milliseconds since the epoch. */
export interface Disturbance {
  kind: PlannedDisturbance['kind'];
  victim: string;
  from: number;
  to: number;
  /** For people. */
  detail: string;
}

const CONTROL_TIMEOUT_MS = 2_000;
const MENDED_WITHIN_MS = 60_000;
/** While other things are broken too a process may wait for them for longer, and the next disturbance does not wait for it. */
const READY_WITHIN_MS = 15_000;

export class Monkey {
  readonly done: Disturbance[] = [];
  readonly #fleet: Fleet;
  readonly #victims: ReadonlyMap<string, Server>;
  readonly #wires: ReadonlyMap<string, Wire>;
  readonly #children: ReadonlyMap<string, Child>;
  readonly #busy = new Set<string>();
  readonly #underWay = new Set<Promise<void>>();
  /** Destinations that were given a fault. */
  readonly #faulty = new Set<string>();
  #stopped = false;

  constructor(servers: Servers, fleet: Fleet) {
    this.#fleet = fleet;
    this.#children = new Map([...fleet.apis, ...fleet.workers, fleet.sandbox].map((child) => [child.name, child]));
    this.#wires = new Map(fleet.wires.map((wire) => [wire.name, wire]));
    const postgres: Server = { ...boundTo(servers.postgres), start: () => servers.postgres.start().then(fleet.rewire) };
    this.#victims = new Map([['postgres', postgres], ['temporal', boundTo(servers.temporal)], ...[...this.#children].map(([name, child]): [string, Server] => [name, serverOf(child)])]);
  }

  get processes(): string[] {
    return [...this.#victims.keys()];
  }

  /** Resolves when all that was planned has ended. */
  async run(plan: readonly PlannedDisturbance[], beganAt: number): Promise<void> {
    for (const planned of plan) {
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, beganAt + planned.at - Date.now())));
      if (this.#stopped) break;
      // A victim that is being dealt with is left to that.
      if (this.#busy.has(planned.victim)) continue;
      this.#busy.add(planned.victim);
      const work = this.#disturb(planned).finally(() => {
        this.#busy.delete(planned.victim);
        this.#underWay.delete(work);
      });
      this.#underWay.add(work);
    }
    await Promise.all(this.#underWay);
  }

  /** Begins nothing new. */
  stop(): void {
    this.#stopped = true;
  }

  /** Everything runs, with the right time, and no platform has a fault. */
  async mend(): Promise<void> {
    await Promise.all(this.#underWay);
    for (const { proxy } of this.#wires.values()) proxy.mend();
    for (const victim of this.#victims.values()) victim.wake();
    for (const child of this.#children.values()) if (child.isSkewed) await this.kill(child.name);
    for (const child of this.#children.values()) if (!(await child.whenReady())) throw new Error(`${child.name} does not come up although all is mended: see its log`);
    for (const destination of this.#faulty) await until(() => this.#setFault({ destination, fault: null }), Boolean, MENDED_WITHIN_MS);
  }

  /** `kill -9`, and started again at once; resolves when it runs. */
  async kill(name: string): Promise<void> {
    await this.#disturb({ kind: 'kill', victim: name, at: 0, ms: 0 });
  }

  async #disturb(planned: PlannedDisturbance): Promise<void> {
    const from = Date.now();
    await this.#carryOut(planned);
    this.done.push({ kind: planned.kind, victim: planned.victim, from, to: Date.now(), detail: describe(planned) });
  }

  async #carryOut(planned: PlannedDisturbance): Promise<void> {
    const { kind, victim, ms } = planned;
    switch (kind) {
      case 'kill':
      case 'skew': {
        const server = this.#victims.get(victim);
        await server?.kill();
        await sleep(ms);
        if (kind === 'skew') this.#children.get(victim)?.start({ skewMs: planned.skewMs });
        else await server?.start();
        await this.#children.get(victim)?.whenReady(READY_WITHIN_MS);
        return;
      }
      case 'sleep':
        await this.#victims.get(victim)?.sleep();
        await sleep(ms);
        this.#victims.get(victim)?.wake();
        return;
      case 'cut':
      case 'freeze':
        this.#wires.get(victim)?.proxy[kind]();
        await sleep(ms);
        this.#wires.get(victim)?.proxy.mend();
        return;
      case 'reset':
        this.#wires.get(victim)?.proxy.reset();
        return;
      case 'fault':
        this.#faulty.add(victim);
        await this.#setFault({ destination: planned.victim, fault: planned.fault, ms: planned.faultMs });
        await sleep(ms);
        await this.#setFault({ destination: planned.victim, fault: null });
    }
  }

  /** Returns whether the stand-ins have heard it; they may be dead or asleep. */
  async #setFault(fault: object): Promise<boolean> {
    try {
      const response = await fetch(`${this.#fleet.sandboxUrl}/_sandbox/faults`, { method: 'POST', body: JSON.stringify(fault), signal: AbortSignal.timeout(CONTROL_TIMEOUT_MS) });
      return response.ok;
    } catch {
      return false;
    }
  }
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const boundTo = (server: Server): Server => ({ kill: () => server.kill(), sleep: () => server.sleep(), wake: () => { server.wake(); }, start: () => server.start() });

const serverOf = (child: Child): Server => ({
  kill: () => child.kill(),
  sleep: async () => {
    await Promise.resolve();
    child.sleep();
  },
  wake: () => {
    child.wake();
  },
  start: async () => {
    await Promise.resolve();
    child.start();
  },
});

function describe(planned: PlannedDisturbance): string {
  const time = planned.ms === 0 ? '' : ` for ${(planned.ms / 1_000).toFixed(1)} s`;
  if (planned.kind === 'skew') return `${planned.victim}: killed, and back with a clock ${(planned.skewMs / 1_000).toFixed(0)} s off`;
  if (planned.kind === 'fault') return `${planned.victim}: ${planned.fault}${time}`;
  return `${planned.victim}: ${planned.kind}${time}`;
}
