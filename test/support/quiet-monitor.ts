/** A monitor for whoever needs none. */
export const QUIET_MONITOR = {
  round: () => Promise.resolve({ ran: false, findings: 0, changes: 0, delivered: 0, undelivered: 0 }),
  alarm: (): void => undefined,
};
