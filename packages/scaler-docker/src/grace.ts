import { type Host, LEAST_STOP_GRACE_S } from '@brxy/scaler'

/** Says that a linker may be killed while it drains. */
export function warnOfGrace(host: Host, route: string, seconds: number): void {
  if (seconds >= LEAST_STOP_GRACE_S) return
  host.log('warn', 'stop grace is short', {
    route,
    seconds,
    reason: `a linker needs drain + stop + 5 s: ${LEAST_STOP_GRACE_S} s unless it was told otherwise; running requests may be cut`,
  })
}
