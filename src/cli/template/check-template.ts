/** Renders a template with sample people, and has the door's own reading judge what comes out. */
import { eventFromBody, type EventContext } from '../../api/index.ts';
import { customerioLiquid } from './customerio-liquid.ts';
import type { LiquidEngine } from './liquid-body.ts';
import { samplePeople } from './sample-people.ts';

export interface Rendered {
  /** The sample's name. */
  person: string;
  /** Undefined when the template could not be rendered. */
  body?: string;
  /** What is wrong; empty when it is fine. */
  problems: string[];
}

/** @param attributePaths where the template takes attributes from */
export function checkTemplate(body: string, { engine, attributePaths, context }: { engine: LiquidEngine; attributePaths: readonly string[]; context: EventContext }): Rendered[] {
  const liquid = customerioLiquid(engine);
  return samplePeople(attributePaths).map(({ name, scope }): Rendered => {
    let rendered: string;
    try {
      rendered = liquid.parseAndRenderSync(body, scope) as string;
    } catch (error) {
      return { person: name, problems: [`it cannot be rendered: ${(error as Error).message.split('\n')[0] ?? ''}`] };
    }
    const understood = eventFromBody(rendered, context);
    const problems = 'problems' in understood ? understood.problems.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)) : understood.event.test ? [] : ['it would not count as a test'];
    return { person: name, body: rendered, problems };
  });
}
