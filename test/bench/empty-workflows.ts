/** The baseline of event workflows: nothing but what Temporal itself costs. */
export function empty(): Promise<void> {
  return Promise.resolve();
}
