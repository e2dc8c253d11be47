const FIRST = 33
const LETTERS = 89

/** What the bodies of a request and of its response consist of, so that a byte that is missing, twice or foreign is seen. */
export function bodyOf(id: number, isResponse: boolean, size: number): Buffer {
  const bytes = Buffer.allocUnsafe(size)
  for (let at = 0; at < size; at++) bytes[at] = letterAt(id, isResponse, at)
  return bytes
}

/** Whether `bytes` are those of the body from `offset` on. */
export function isPartOf(id: number, isResponse: boolean, offset: number, bytes: Buffer): boolean {
  for (let at = 0; at < bytes.length; at++) {
    if (bytes[at] !== letterAt(id, isResponse, offset + at)) return false
  }
  return true
}

function letterAt(id: number, isResponse: boolean, at: number): number {
  return FIRST + ((id * 7 + (isResponse ? 31 : 0) + at) % LETTERS)
}
