import { MAX_SLOTS } from '../options.ts'

/** Slots of an instance, as GET /slots shows them. */
export interface SlotState {
  /** How many there are. */
  readonly slots: number
  /** Lent to edges, and not spent. */
  readonly lent: number
  /** Requests that the application has, lingering ones included. */
  readonly busy: number
  /** Those among them whose client has left, and which the application may still be computing. */
  readonly lingering: number
}

/** What a control socket controls. */
export interface ControlTarget {
  readonly slotState: SlotState
  /** @param slots 0 to 65,535; fewer cut nothing, more are lent at once */
  setSlots(slots: number): void
}

/** An answer on the control socket. */
export interface ControlAnswer {
  readonly status: number
  readonly fields: Readonly<Record<string, string>>
  readonly body: string
}

/** Longest body of a request that is read. */
export const MAX_CONTROL_BYTES = 1_024

const EXPECTED = `expected a whole number from 0 to ${MAX_SLOTS}, as 4 or {"slots": 4}`

/**
 * Answers one request: `GET /slots`, `PUT /slots`. Errors are problem+json (RFC 9457) and say what was expected.
 * @param body all of it; null if it was longer than {@link MAX_CONTROL_BYTES}
 */
export function answerControl(
  method: string,
  path: string,
  body: string | null,
  target: ControlTarget,
): ControlAnswer {
  if (path !== '/slots') return problem(404, `there is nothing at ${path.slice(0, 100)}; there is /slots`)
  if (method === 'GET') return json(200, target.slotState)
  if (method !== 'PUT')
    return problem(405, `${method} means nothing here; use GET or PUT`, { allow: 'GET, PUT' })
  if (body === null) return problem(413, `more than ${MAX_CONTROL_BYTES} bytes; ${EXPECTED}`)
  const slots = slotsOf(body)
  if (slots === null) return problem(400, `${JSON.stringify(body.slice(0, 100))}: ${EXPECTED}`)
  target.setSlots(slots)
  return json(200, { slots: target.slotState.slots })
}

function slotsOf(body: string): number | null {
  let value: unknown
  try {
    value = JSON.parse(body)
  } catch {
    return null
  }
  if (typeof value === 'object' && value !== null && 'slots' in value) value = value.slots
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MAX_SLOTS
    ? value
    : null
}

function json(status: number, value: object): ControlAnswer {
  return { status, fields: { 'content-type': 'application/json' }, body: `${JSON.stringify(value)}\n` }
}

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  404: 'Not Found',
  405: 'Method Not Allowed',
  413: 'Content Too Large',
}

function problem(
  status: number,
  detail: string,
  fields: Readonly<Record<string, string>> = {},
): ControlAnswer {
  const body = JSON.stringify({ status, title: TITLES[status], detail })
  return { status, fields: { 'content-type': 'application/problem+json', ...fields }, body: `${body}\n` }
}
