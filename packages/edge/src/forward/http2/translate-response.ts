import type { OutgoingHttpHeaders } from 'node:http2'
import { type Head, isHopByHop, type ResponseHead } from '@brxy/http1'

/**
 * Fields whose lines must stay apart: cookies cannot be joined at all, and many clients take a joined challenge for one
 * (RFC 9110 5.3, 11.6.1). Node throws where some other fields have several lines.
 */
const APART: ReadonlySet<string> = new Set(['set-cookie', 'www-authenticate'])

/** The fields of a response as `node:http2` sends them: with :status, without those of a connection and of framing. */
export function translateResponse(head: ResponseHead): OutgoingHttpHeaders {
  const fields = translateFields(head)
  fields[':status'] = head.status
  return fields
}

/** Fields under lower-case names (RFC 9113 8.2); lines of one name are joined, but for cookies and challenges. */
export function translateFields(head: Head): OutgoingHttpHeaders {
  // Without a prototype, or the field `__proto__` would be lost.
  const fields: OutgoingHttpHeaders = Object.create(null)
  for (let index = 0; index < head.fieldCount; index++) {
    if (head.isDropped(index) || isHopByHop(head.field(index))) continue
    const name = head.name(index).toLowerCase()
    const value = head.value(index)
    const before = fields[name]
    if (before === undefined) fields[name] = APART.has(name) ? [value] : value
    else if (Array.isArray(before)) before.push(value)
    else fields[name] = `${before}, ${value}`
  }
  return fields
}
