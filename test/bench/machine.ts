/** What a bench ran on: its numbers say little without. */
import { cpus, totalmem } from 'node:os';

export interface Machine {
  cpu: string;
  cores: number;
  memory_gib: number;
  node: string;
  system: string;
  /** When the bench ended. */
  at: string;
  /** Whether it ran with --quick. */
  quick: boolean;
}

export const describeMachine = (quick: boolean): Machine => ({
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: cpus().length,
  memory_gib: Math.round(totalmem() / 2 ** 30),
  node: process.version,
  system: `${process.platform} ${process.arch}`,
  at: new Date().toISOString(),
  quick,
});

export const machineLine = ({ cpu, cores, memory_gib: memory, node }: Machine): string => `${cpu}, ${String(cores)} cores, ${String(memory)} GiB, Node ${node}`;
