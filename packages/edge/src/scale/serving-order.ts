import type { Member } from './members.ts'

// Fresh grants go to the newest instance first, so that older ones fall idle. Where the platform chooses what it removes,
// and always removes the one with the highest order, that one is to fall idle: there the lowest order is served first. One
// whose order is not known yet is newer than all that have been listed.

/** Whether the one is served before the other, and so leaves after it. */
export function servesBefore(one: Member, other: Member): boolean {
  const first = orderOf(one)
  const second = orderOf(other)
  return first === second ? one.copy > other.copy : first < second
}

/**
 * The same as a number for the broker, which serves the highest first.
 *
 * @param session number of its session, from 1, higher than that of any before: that is it where there is no order
 */
export function servingOrder(member: Member, session: number): number {
  const order = orderOf(member)
  return order === UNKNOWN ? session : -order
}

const UNKNOWN = Number.NEGATIVE_INFINITY

function orderOf({ instance }: Member): number {
  return instance?.order ?? UNKNOWN
}
