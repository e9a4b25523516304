/** What the stand-ins believe: the members of each audience, and the calls that were made. */
import { randomInt } from 'node:crypto';
import { appendFileSync, closeSync, existsSync, ftruncateSync, openSync, readFileSync } from 'node:fs';

/** A destination as a stand-in knows it. */
export interface SandboxDestination {
  name: string;
  platform: string;
  /** The destination's settings in headgate.yaml: accounts and secrets that calls must carry. */
  settings: Readonly<Record<string, unknown>>;
  /** The platform's ids of the audiences that exist. */
  audienceIds: readonly string[];
}

/** A member as sent: column to value. Further values of one column are `column.1`, `column.2` … */
export type SandboxMember = Readonly<Record<string, string>>;

/** Limits that tests make small. Undefined: the stand-in's own. */
export interface SandboxLimits {
  rowsPerCall?: number | undefined;
  callsPerMinute?: number | undefined;
  /** How long a request of a platform that decides later takes, in milliseconds. */
  processingMs?: number | undefined;
  /** Of a warehouse: how long a row with the same insertId is left out, how long streamed rows cannot be changed, how long a new table or column is unknown. Milliseconds. */
  dedupeMs?: number | undefined;
  bufferMs?: number | undefined;
  lagMs?: number | undefined;
}

type Change =
  | { destination: string; audience: string; action: 'add' | 'remove'; rows: SandboxMember[] }
  | { destination: string; audience: string; action: 'create'; name: string };

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

export interface SandboxState {
  destinations: Record<string, { audiences: Record<string, { name: string; members: number; hashes: string[]; calls: number }> }>;
  calls: SandboxCall[];
}

const KEPT_CALLS = 10_000;
const MINUTE_MS = 60_000;
const FIRST_MADE_ID = 7_000_000_000_000;

/** Columns that tell persons apart, over all platforms. */
const IDENTIFYING = new Set(['EXTERN_ID', 'MADID', 'EMAIL', 'PHONE', 'EMAIL_SHA256', 'PHONE_SHA256', 'IDFA_SHA256', 'AAID_SHA256', 'emailAddress', 'phoneNumber', 'address']);
/** Columns whose values the state shows as `hashes`. */
const SHOWN = new Set(['EMAIL', 'EMAIL_SHA256', 'emailAddress']);

const baseOf = (column: string): string => column.split('.')[0] ?? column;

class SandboxAudience {
  calls = 0;
  /** What a platform's answer about the audience says besides, or instead of, the usual. */
  said: Record<string, unknown> = {};
  readonly name: string;
  readonly #members = new Map<number, SandboxMember>();
  readonly #found = new Map<string, Set<number>>();
  #next = 1;

  constructor(name: string) {
    this.name = name;
  }

  get size(): number {
    return this.#members.size;
  }

  get hashes(): string[] {
    return [...new Set([...this.#members.values()].flatMap((member) => Object.entries(member).flatMap(([column, value]) => (SHOWN.has(baseOf(column)) && value !== '' ? [value] : []))))];
  }

  /** A row that shares an identifier with a member is that member, with what the row says added. */
  add(row: SandboxMember): void {
    const merged = { ...this.#find(row).reduce((all, id) => ({ ...all, ...this.#take(id) }), {}), ...row };
    const id = this.#next++;
    this.#members.set(id, merged);
    for (const key of keysOf(merged)) {
      const ids = this.#found.get(key) ?? new Set();
      this.#found.set(key, ids.add(id));
    }
  }

  /** Every member that shares an identifier with the row goes. */
  remove(row: SandboxMember): void {
    for (const id of this.#find(row)) this.#take(id);
  }

  #find(row: SandboxMember): number[] {
    return [...new Set(keysOf(row).flatMap((key) => [...(this.#found.get(key) ?? [])]))];
  }

  #take(id: number): SandboxMember {
    const member = this.#members.get(id) ?? {};
    this.#members.delete(id);
    for (const key of keysOf(member)) {
      const ids = this.#found.get(key);
      ids?.delete(id);
      if (ids?.size === 0) this.#found.delete(key);
    }
    return member;
  }
}

const keysOf = (row: SandboxMember): string[] => Object.entries(row).flatMap(([column, value]) => (value !== '' && IDENTIFYING.has(baseOf(column)) ? [`${baseOf(column)}:${value}`] : []));

export class SandboxStore {
  readonly #destinations: ReadonlyMap<string, SandboxDestination>;
  readonly #audiences = new Map<string, SandboxAudience>();
  readonly #limits = new Map<string, SandboxLimits>();
  readonly #tokens = new Map<string, Set<string>>();
  #calls: SandboxCall[] = [];
  #resets = 0;
  #closed = false;
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

  /** The audiences of a destination, with what their platform shall say of them. */
  audiencesOf(destination: string): { id: string; name: string; size: number; said: Record<string, unknown> }[] {
    const prefix = `${destination}/`;
    return [...this.#audiences].flatMap(([key, { name, size, said }]) => (key.startsWith(prefix) ? [{ id: key.slice(prefix.length), name, size, said }] : []));
  }

  /** Makes the platform's answers about an audience say this too, for instance that it is flagged. False when there is none. */
  say(destination: string, audience: string, said: Record<string, unknown>): boolean {
    const known = this.#audiences.get(`${destination}/${audience}`);
    if (known) known.said = said;
    return known !== undefined;
  }

  /** An empty audience with an id of its own. */
  create(destination: string, name: string): string {
    const audience = String(FIRST_MADE_ID + this.#audiences.size);
    this.#write({ destination, audience, action: 'create', name });
    return audience;
  }

  /** Applies a call's rows. In the journal before it is answered. */
  apply(change: { destination: string; audience: string; action: 'add' | 'remove'; rows: SandboxMember[] }): void {
    this.#write(change);
  }

  limitsOf(destination: string): SandboxLimits {
    return this.#limits.get(destination) ?? {};
  }

  setLimits(destination: string, limits: SandboxLimits): void {
    this.#limits.set(destination, { ...this.limitsOf(destination), ...limits });
  }

  /** True when the destination made more calls within the last minute than it may. */
  isOverRate(destination: string): boolean {
    const most = this.limitsOf(destination).callsPerMinute;
    if (most === undefined) return false;
    const since = new Date(Date.now() - MINUTE_MS).toISOString();
    return this.#calls.filter((call) => call.destination === destination && call.at > since).length >= most;
  }

  /** An access token, as a token endpoint gives it out. */
  issueToken(destination: string): string {
    const token = `sandbox-${String(randomInt(1e12))}-${String(randomInt(1e12))}`;
    const tokens = this.#tokens.get(destination) ?? new Set();
    this.#tokens.set(destination, tokens.add(token));
    return token;
  }

  isIssued(destination: string, token: string): boolean {
    return this.#tokens.get(destination)?.has(token) ?? false;
  }

  revokeTokens(destination: string): void {
    this.#tokens.delete(destination);
  }

  note(call: SandboxCall): void {
    const audience = this.#audiences.get(`${call.destination}/${call.audience}`);
    if (audience) audience.calls++;
    this.#calls.push(call);
    if (this.#calls.length > KEPT_CALLS) this.#calls = this.#calls.slice(-KEPT_CALLS / 2);
  }

  /** Tells what was before a reset from what came after it. */
  get resets(): number {
    return this.#resets;
  }

  reset(): void {
    this.#resets++;
    this.#makeAudiences();
    this.#limits.clear();
    this.#calls = [];
    if (this.#journal !== undefined) ftruncateSync(this.#journal);
  }

  /** What a platform that decides later would still do is forgotten with it. */
  close(): void {
    this.#closed = true;
    if (this.#journal !== undefined) closeSync(this.#journal);
  }

  get state(): SandboxState {
    const destinations = [...this.#destinations.keys()].map((destination) => {
      const audiences = this.audiencesOf(destination).map(({ id, name, size }) => {
        const audience = this.#audiences.get(`${destination}/${id}`);
        return [id, { name, members: size, hashes: audience?.hashes ?? [], calls: audience?.calls ?? 0 }];
      });
      return [destination, { audiences: Object.fromEntries(audiences) as SandboxState['destinations'][string]['audiences'] }];
    });
    return { destinations: Object.fromEntries(destinations) as SandboxState['destinations'], calls: this.#calls };
  }

  #makeAudiences(): void {
    this.#audiences.clear();
    for (const { name, audienceIds } of this.#destinations.values()) {
      for (const id of audienceIds) this.#audiences.set(`${name}/${id}`, new SandboxAudience('of the sandbox'));
    }
  }

  #write(change: Change): void {
    if (this.#closed) return;
    if (this.#journal !== undefined) appendFileSync(this.#journal, `${JSON.stringify(change)}\n`);
    this.#change(change);
  }

  #change(change: Change): void {
    const key = `${change.destination}/${change.audience}`;
    if (change.action === 'create') {
      this.#audiences.set(key, new SandboxAudience(change.name));
      return;
    }
    const members = this.#audiences.get(key);
    for (const row of change.rows) {
      if (change.action === 'add') members?.add(row);
      else members?.remove(row);
    }
  }

  /** The last line may be half written, after a kill. */
  #replay(journal: string): void {
    for (const line of journal.split('\n')) {
      if (line === '') continue;
      try {
        this.#change(JSON.parse(line) as Change);
      } catch {
        return;
      }
    }
  }
}
