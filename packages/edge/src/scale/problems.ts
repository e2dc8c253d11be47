import type { Problem } from '@brxy/scaler'

// Why a start has failed, where the platform does not say it.

export const LOST: Problem = {
  code: 'crashed',
  message: 'the tunnel was lost before the first response',
  final: true,
}

export const ENDED: Problem = { code: 'crashed', message: 'it ended before it connected', final: true }

/** @param afterMs how long was waited */
export function neverConnected(afterMs: number): Problem {
  return late('no linker connected', afterMs, '; does what was started run brxy link?')
}

/** @param afterMs how long was waited */
export function neverReady(afterMs: number): Problem {
  return late('a parked instance was recalled and not ready', afterMs)
}

function late(what: string, afterMs: number, remedy = ''): Problem {
  const seconds = Math.round(afterMs / 100) / 10
  return { code: 'unavailable', message: `${what} within ${seconds} s${remedy}`, final: true }
}
