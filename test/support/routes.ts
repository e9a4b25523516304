/** The routes of an app, out of express itself: so that a route that nobody wrote down is noticed. */
import type { Express } from 'express';

/** As express 5 keeps routes. */
interface Layer {
  slash: boolean;
  match: (path: string) => boolean;
  route?: { path: string; methods: Record<string, boolean> };
  handle: { stack?: Layer[] };
}

export interface ServedRoute {
  /** `GET`. */
  method: string;
  /** `/v1/events/:event_id`. */
  path: string;
}

/** The one path below which a router hangs, because express does not tell which. */
const MOUNTED = '/console';

/** Throws where a router hangs below another path: give its routes whole paths, so that tests see them. */
export const routesOf = (app: Express): ServedRoute[] => routesIn((app as unknown as { router: { stack: Layer[] } }).router.stack, '');

function routesIn(stack: readonly Layer[], above: string): ServedRoute[] {
  return stack.flatMap((layer): ServedRoute[] => {
    const { slash, route, handle } = layer;
    if (route) {
      const path = `${above}${route.path}`.replace(/(.)\/$/, '$1');
      return Object.keys(route.methods).filter((method) => method !== '_all').map((method) => ({ method: method.toUpperCase(), path }));
    }
    if (!handle.stack) return [];
    if (slash) return routesIn(handle.stack, above);
    if (above === '' && layer.match(`${MOUNTED}/x`)) return routesIn(handle.stack, MOUNTED);
    throw new Error('a router is mounted below a path: give its routes whole paths, so that this test sees them');
  });
}
