/** A small reproducible source of randomness (mulberry32): numbers in [0, 1). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

export function pick<T>(random: () => number, items: readonly T[]): T {
  return items[Math.floor(random() * items.length)]
}

const SPICE = [
  ...'\r\n\t :;,=/?#%*"\\\0\x01\x7f\x80\xff01aAfFgGxX+-._()[]{}',
  '\r\n',
  '\n\r',
  '\r\n\r\n',
  'Content-Length: 3\r\n',
  'Content-Length: 0\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Transfer-Encoding: gzip, chunked\r\n',
  'Transfer-Encoding : chunked\r\n',
  'Connection: close\r\n',
  'Connection: keep-alive, Upgrade\r\n',
  'Upgrade: websocket\r\n',
  'Host: b.example\r\n',
  'X: y\r\n',
  'X:\r\n',
  ' folded\r\n',
  'chunked',
  'HTTP/1.1',
  'HTTP/1.0',
  '0\r\n\r\n',
  '3\r\nabc\r\n',
  '3;a="b;c"\r\nabc\r\n',
]

/** `message` (Latin-1) with up to three small accidents. */
export function mutate(random: () => number, message: string): string {
  let result = message
  for (let i = Math.floor(random() * 4); i > 0; i--) {
    const at = Math.floor(random() * (result.length + 1))
    const kind = random()
    if (kind < 0.35) result = result.slice(0, at) + pick(random, SPICE) + result.slice(at)
    else if (kind < 0.55) result = result.slice(0, at) + pick(random, SPICE) + result.slice(at + 1)
    else if (kind < 0.75) result = result.slice(0, at) + result.slice(at + 1 + Math.floor(random() * 3))
    else {
      // Insert, repeat or remove a whole line.
      const lines = result.split('\r\n')
      const line = Math.floor(random() * lines.length)
      if (kind < 0.85) lines.splice(line, 0, pick(random, SPICE).replaceAll('\r\n', ''))
      else if (kind < 0.93) lines.splice(line, 0, pick(random, lines))
      else lines.splice(line, 1)
      result = lines.join('\r\n')
    }
  }
  return result
}
