/** Headgate and whom it is measured against. */
import { launch } from '../../test/bench/launch.ts';
import { PRODUCTION, versionOf, type Contender } from './contender.ts';
import { eventsTo } from './events.ts';
import manifest from './package.json' with { type: 'json' };
import { RESTATE } from './restate.ts';

/** The door of `npm run bench`: it verifies, validates and hashes, and decides what has gathered in one transaction. */
export const HEADGATE: Contender = {
  name: 'Headgate',
  how: 'a group commit at the door',
  start: async ({ databaseUrl, life }) => {
    const door = await launch(new URL('../../test/bench/door-server.ts', import.meta.url), [databaseUrl], PRODUCTION);
    life.started('the door', door.stop);
    return { url: door.url };
  },
};

const DBOS: Contender = {
  name: `DBOS ${versionOf(manifest, '@dbos-inc/dbos-sdk')}`,
  how: 'one workflow with one step per event',
  start: async ({ databaseUrl, life }) => {
    const systemDatabase = new URL(databaseUrl);
    systemDatabase.pathname = '/dbos';
    const server = await launch(new URL('./dbos-server.ts', import.meta.url), [databaseUrl, systemDatabase.href], PRODUCTION);
    life.started('the DBOS application', server.stop);
    return { url: server.url, target: eventsTo('/events') };
  },
};

/** No peer: tells how much of the difference is the transaction per event, whatever engine runs it. */
const EXPRESS: Contender = {
  name: 'express alone',
  how: 'one transaction per event and no engine',
  start: async ({ databaseUrl, life }) => {
    const server = await launch(new URL('./express-server.ts', import.meta.url), [databaseUrl], PRODUCTION);
    life.started('express alone', server.stop);
    return { url: server.url, target: eventsTo('/events') };
  },
};

/** How many times the peer's rate Headgate must reach; null: told, not held against anything. */
export const PEERS: readonly { peer: Contender; bar: number | null }[] = [
  { peer: RESTATE, bar: 5 },
  { peer: DBOS, bar: 5 },
  { peer: EXPRESS, bar: null },
];
