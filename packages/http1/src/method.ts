import { equalsText } from './bytes.ts'

// The methods of the IANA registry that applications meet. The order is that of their frequency.
const REGISTERED = [
  'GET',
  'POST',
  'HEAD',
  'PUT',
  'DELETE',
  'OPTIONS',
  'PATCH',
  'PROPFIND',
  'PROPPATCH',
  'MKCOL',
  'COPY',
  'MOVE',
  'LOCK',
  'UNLOCK',
  'REPORT',
  'SEARCH',
  'QUERY',
  'CONNECT',
  'TRACE',
] as const

const BY_LENGTH: readonly (readonly string[])[] = Array.from({ length: 10 }, (_, length) =>
  REGISTERED.filter((method) => method.length === length),
)
const NONE: readonly string[] = []

/** The method in bytes [start, end), case kept; for registered ones no new string is made. */
export function methodOf(buffer: Buffer, start: number, end: number): string {
  const length = end - start
  for (const method of length < BY_LENGTH.length ? BY_LENGTH[length] : NONE) {
    if (equalsText(buffer, start, end, method)) return method
  }
  return buffer.toString('latin1', start, end)
}
