/** The console's style, script and icon: three files, read once. Their address changes with what is in them. */
import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { RequestHandler } from 'express';
import { BASE } from './words.ts';

const TYPES = { 'console.css': 'text/css; charset=utf-8', 'console.js': 'text/javascript; charset=utf-8', 'icon.svg': 'image/svg+xml' } as const;
type Asset = keyof typeof TYPES;

const FILES = new Map(
  Object.entries(TYPES).map(([name, type]) => {
    const content = readFileSync(new URL(`./assets/${name}`, import.meta.url));
    return [name, { content, type, version: hash('sha256', content, 'hex').slice(0, 12) }];
  }),
);

export const assetPath = (name: Asset): string => `${BASE}/assets/${name}?v=${FILES.get(name)?.version ?? ''}`;

export const serveAsset: RequestHandler = (request, response, next) => {
  const file = FILES.get(String(request.params['file']));
  if (!file) {
    next();
    return;
  }
  response.set({ 'Content-Type': file.type, 'Cache-Control': request.query['v'] === file.version ? 'public, max-age=31536000, immutable' : 'no-cache' }).send(file.content);
};
