/** What the stand-ins believe: the members of each audience, and the calls that were made. */
import { appendFileSync, closeSync, existsSync, ftruncateSync, openSync, readFileSync } from 'node:fs';

/** A destination as a stand-in knows it. */
export interface SandboxDestination {
  name: string;
  platform: string;
  /** The token that calls must carry. */
  accessToken: string;
  /** The platform's ids of the audiences that exist. */
  audienceIds: readonly string[];
}

/** A member as sent: column to value. */
export type SandboxMember = Readonly<Record<string, string>>;

interface Change {
  destination: string;
  audience: string;
  action: 'add' | 'remove';
  rows: SandboxMember[];
}

export interface SandboxCall {
  /** ISO 8601. */
  at: string;
  destination: string;
  audience: string;
  action: 'add' | 'remove';
  rows: number;
  /** HTTP status; null when the call was never answered. */
  answer: number | null;
}

const KEPT_CALLS = 10_000;

class SandboxAudience {
  calls = 0;
  readonly #members = new Map<number, SandboxMember>();
  readonly #found = new Map<string, Set<number>>();
  #next = 1;

  readonly #identifying: ReadonlySet<string>;

  constructor(identifying: ReadonlySet<string>) {
    this.#identifying = identifying;
  }

  get size(): number {
    return this.#members.size;
  }

  valuesOf(column: string): string[] {
    return [...new Set([...this.#members.values()].flatMap((member) => (member[column] ? [member[column]] : [])))];
  }

  /** A row that shares an identifier with a member is that member, with what the row says added. */
  add(row: SandboxMember): void {
    const [known, ...others] = this.#find(row);
    const merged = { ...others.reduce((all, id) => ({ ...all, ...this.#take(id) }), {}), ...(known === undefined ? {} : this.#take(known)), ...row };
    const id = this.#next++;
    this.#members.set(id, merged);
    for (const key of this.#keysOf(merged)) {
      const ids = this.#found.get(key) ?? new Set();
      this.#found.set(key, ids.add(id));
    }
  }

  /** Every member that shares an identifier with the row goes. */
  remove(row: SandboxMember): void {
    for (const id of this.#find(row)) this.#take(id);
  }

  #find(row: SandboxMember): number[] {
    return [...new Set(this.#keysOf(row).flatMap((key) => [...(this.#found.get(key) ?? [])]))];
  }

  #take(id: number): SandboxMember {
    const member = this.#members.get(id) ?? {};
    this.#members.delete(id);
    for (const key of this.#keysOf(member)) {
      const ids = this.#found.get(key);
      ids?.delete(id);
      if (ids?.size === 0) this.#found.delete(key);
    }
    return member;
  }

  #keysOf(row: SandboxMember): string[] {
    return Object.entries(row).flatMap(([column, value]) => (value !== '' && this.#identifying.has(column) ? [`${column}:${value}`] : []));
  }
}

/** Columns that tell persons apart, over all platforms. */
const IDENTIFYING = new Set(['EXTERN_ID', 'MADID', 'EMAIL', 'PHONE']);
/** The column whose values `/_sandbox/state` shows as `hashes`. */
const SHOWN_COLUMN = 'EMAIL';

export class SandboxStore {
  readonly #destinations: ReadonlyMap<string, SandboxDestination>;
  readonly #audiences = new Map<string, SandboxAudience>();
  #calls: SandboxCall[] = [];
  readonly #journal: number | undefined;

  constructor(destinations: readonly SandboxDestination[], journal?: string) {
    this.#destinations = new Map(destinations.map((destination) => [destination.name, destination]));
    this.#makeAudiences();
    if (journal === undefined) return;
    if (existsSync(journal)) this.#replay(readFileSync(journal, 'utf8'));
    this.#journal = openSync(journal, 'a');
  }

  destination(name: string): SandboxDestination | undefined {
    return this.#destinations.get(name);
  }

  /** How many members an audience has; undefined when it does not exist. */
  sizeOf(destination: string, audience: string): number | undefined {
    return this.#audiences.get(`${destination}/${audience}`)?.size;
  }

  /** Applies a call's rows. In the journal before it is answered. */
  apply(change: Change): void {
    if (this.#journal !== undefined) appendFileSync(this.#journal, `${JSON.stringify(change)}\n`);
    this.#applyToMembers(change);
  }

  note(call: SandboxCall): void {
    const audience = this.#audiences.get(`${call.destination}/${call.audience}`);
    if (audience) audience.calls++;
    this.#calls.push(call);
    if (this.#calls.length > KEPT_CALLS) this.#calls = this.#calls.slice(-KEPT_CALLS / 2);
  }

  reset(): void {
    this.#makeAudiences();
    this.#calls = [];
    if (this.#journal !== undefined) ftruncateSync(this.#journal);
  }

  close(): void {
    if (this.#journal !== undefined) closeSync(this.#journal);
  }

  get state(): object {
    const destinations = [...this.#destinations.values()].map((destination) => {
      const audiences = destination.audienceIds.map((id) => {
        const audience = this.#audiences.get(`${destination.name}/${id}`);
        return [id, { members: audience?.size ?? 0, hashes: audience?.valuesOf(SHOWN_COLUMN) ?? [], calls: audience?.calls ?? 0 }];
      });
      return [destination.name, { audiences: Object.fromEntries(audiences) as object }];
    });
    return { destinations: Object.fromEntries(destinations) as object, calls: this.#calls };
  }

  #makeAudiences(): void {
    this.#audiences.clear();
    for (const { name, audienceIds } of this.#destinations.values()) {
      for (const id of audienceIds) this.#audiences.set(`${name}/${id}`, new SandboxAudience(IDENTIFYING));
    }
  }

  #applyToMembers({ destination, audience, action, rows }: Change): void {
    const members = this.#audiences.get(`${destination}/${audience}`);
    for (const row of rows) {
      if (action === 'add') members?.add(row);
      else members?.remove(row);
    }
  }

  /** The last line may be half written, after a kill. */
  #replay(journal: string): void {
    for (const line of journal.split('\n')) {
      if (line === '') continue;
      try {
        this.#applyToMembers(JSON.parse(line) as Change);
      } catch {
        return;
      }
    }
  }
}
