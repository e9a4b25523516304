/** `/openapi.json`: what the api is, for programs. `/openapi`: the same for people. Nobody is asked for a token: it says nothing of this installation. */
import { Router } from 'express';

interface Made {
  json: string;
  html: string;
  policy: string;
}

export function descriptionRoutes(): Router {
  const router = Router();
  let made: Promise<Made> | undefined;
  // Loaded when somebody asks: a process starts without it.
  const make = async (): Promise<Made> => {
    const [{ describeApi }, { renderPage, PAGE_POLICY }] = await Promise.all([import('./document.ts'), import('./page.ts')]);
    const description = describeApi();
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
