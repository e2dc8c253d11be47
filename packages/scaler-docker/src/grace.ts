import type { Host } from '@brxy/scaler'

/** Time from SIGTERM to SIGKILL: a linker's drain (30 s), stop (10 s), and 5 s. */
export const STOP_GRACE_S = 45

/** Says that a linker may be killed while it drains. */
export function warnOfGrace(host: Host, route: string, seconds: number): void {
  if (seconds >= STOP_GRACE_S) return
  host.log('warn', 'stop grace is short', {
    route,
    seconds,
    reason: `a linker needs drain + stop + 5 s: ${STOP_GRACE_S} s unless it was told otherwise; running requests may be cut`,
  })
}
