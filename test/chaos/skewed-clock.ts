/** Loaded into a process before all else (`--import`): its clock goes CHAOS_SKEW_MS ahead, or behind when negative. Timers keep their pace. */
const skewMs = Number(process.env['CHAOS_SKEW_MS'] ?? 0);
const RealDate = Date;

class SkewedDate extends RealDate {
  constructor(...given: unknown[]) {
    if (given.length === 0) super(RealDate.now() + skewMs);
    else super(...(given as [number]));
  }
  static override now(): number {
    return RealDate.now() + skewMs;
  }
}

if (skewMs !== 0) globalThis.Date = SkewedDate as DateConstructor;
