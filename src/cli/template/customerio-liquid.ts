/** Liquid as Customer.io renders it, as far as that is known (docs/customerio.md): a missing attribute stops the request, except behind `default` and in `if`. */
import { Liquid } from 'liquidjs';
import type { LiquidEngine } from './liquid-body.ts';

export function customerioLiquid(engine: LiquidEngine): Liquid {
  const liquid = new Liquid({ strictFilters: true, strictVariables: true, lenientIf: true, ownPropertyOnly: true });
  liquid.registerFilter('to_json', (value: unknown) => JSON.stringify(value));
  // Ruby's has neither.
  if (engine === 'legacy') for (const name of ['default', 'json', 'jsonify']) Reflect.deleteProperty(liquid.filters, name);
  return liquid;
}
