/** `/openapi.json`: what the api is, for programs. `/openapi`: the same for people. Nobody is asked for a token: it says nothing of this installation but the events of its workflow types. */
import { Router } from 'express';
import type { EventTypes } from '../../domain/event-type.ts';

interface Made {
  json: string;
  html: string;
  policy: string;
}

/** @param types events of workflow types, which are described too */
export function descriptionRoutes(types: EventTypes = new Map()): Router {
  const router = Router();
  let made: Promise<Made> | undefined;
  // Loaded when somebody asks: a process starts without it.
  const make = async (): Promise<Made> => {
    const [{ describeApi }, { describeOwnEvents }, { renderPage, PAGE_POLICY }] = await Promise.all([import('./document.ts'), import('./own-events.ts'), import('./page.ts')]);
    const description = describeOwnEvents(describeApi(), types);
    return { json: JSON.stringify(description), html: renderPage(description), policy: PAGE_POLICY };
  };
  router.get('/openapi.json', async (_request, response) => {
    made ??= make();
    response.set('Access-Control-Allow-Origin', '*').type('application/json').send((await made).json);
  });
  router.get('/openapi', async (_request, response) => {
    made ??= make();
    const { html, policy } = await made;
    response.set({ 'Content-Security-Policy': policy, 'X-Content-Type-Options': 'nosniff', 'Referrer-Policy': 'no-referrer' }).type('text/html').send(html);
  });
  return router;
}
