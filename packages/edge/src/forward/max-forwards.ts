import { FIELD, type RequestHead } from '@brxy/http1'

/** What is sent on at most, whatever the client allows (RFC 9110 7.6.2: "the recipient's maximum supported value"). */
const MOST = 0x7fff_ffff
const DIGITS = /^\d+$/

/**
 * How many more hops an OPTIONS may take (RFC 9110 7.6.2); for what it means, other methods need not be looked at: TRACE is
 * refused anyway.
 *
 * @returns null if nothing is said; -1 if what is said is no number, or is said twice
 */
export function maxForwards(head: RequestHead): number | null {
  const at = head.find(FIELD.MAX_FORWARDS)
  if (at === -1 || head.method !== 'OPTIONS') return null
  const value = head.value(at)
  return head.next(at) === -1 && DIGITS.test(value) ? Number(value) : -1
}

/** The line that says how many are left behind this edge; the client's own does not go on. @param hops above 0 */
export function takeHop(head: RequestHead, hops: number): Buffer {
  head.drop(head.find(FIELD.MAX_FORWARDS))
  return Buffer.from(`Max-Forwards: ${Math.min(hops - 1, MOST)}\r\n`, 'latin1')
}
