import { mutate } from '../../../packages/http1/src/mutate.testkit.ts'
import type { Random } from './random.ts'

/** What a few clients send at the same time, each on a connection of its own. */
export interface EdgeCase {
  readonly connections: readonly {
    /** Latin-1. */
    readonly text: string
    /** Ends of the pieces in which it is sent. */
    readonly cuts: readonly number[]
    /** FIN behind it. */
    readonly finishes: boolean
  }[]
}

/** Bodies that are requests to whoever loses count. */
const SMUGGLED = [
  'GET /smuggled HTTP/1.1\r\nHost: shop\r\nX-Id: smuggled\r\n\r\n',
  '0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: shop\r\nX-Id: smuggled\r\n\r\n',
  '5\r\nhello\r\n0\r\n\r\n',
  '\r\n\r\n',
  'hello',
]

export function makeEdgeCase(random: Random): EdgeCase {
  return {
    connections: Array.from({ length: 1 + random.below(3) }, () => {
      let text = Array.from({ length: 1 + random.below(4) }, () => makeRequest(random)).join('')
      if (random.chance(0.8)) text = mutate(random.next, text)
      return { text, cuts: random.cuts(text.length), finishes: random.chance(0.05) }
    }),
  }
}

/** A request that is good, with an id of its own. */
function makeRequest(random: Random): string {
  const id = random.below(2 ** 31).toString(36)
  const method = random.pick(['GET', 'GET', 'HEAD', 'POST', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PROPFIND'])
  const version = random.chance(0.9) ? '1.1' : '1.0'
  const lines = [`${method} ${random.pick(['/', '/a?b=c', '/%2e%2e/x', 'http://shop/abs'])} HTTP/${version}`]
  const fields = ['Host: shop', `X-Id: ${id}`]
  if (version === '1.0') fields.push('Connection: keep-alive')
  else if (random.chance(0.15)) fields.push('TE: trailers', 'Connection: TE, X-Hop', 'X-Hop: 1')
  else if (random.chance(0.05)) fields.push('Connection: close')
  if (random.chance(0.05)) fields.push('Connection: Upgrade', 'Upgrade: echo')
  let body = ''
  if (method === 'POST' || method === 'PUT' || random.chance(0.05)) {
    const content = random.chance(0.02) ? 'x'.repeat(100_000) : random.pick(SMUGGLED)
    if (random.chance(0.1)) fields.push('Expect: 100-continue')
    if (random.chance(0.15)) fields.push('X-Early: 1')
    if (version === '1.1' && random.chance(0.5)) {
      fields.push('Transfer-Encoding: chunked')
      const half = random.below(content.length)
      const chunks = [content.slice(0, half), content.slice(half)].filter((chunk) => chunk !== '')
      const trailers = random.chance(0.2) ? `X-Sum: 1\r\nX-Id: ${id}\r\n` : ''
      body = `${chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('')}0\r\n${trailers}\r\n`
    } else {
      fields.push(`Content-Length: ${content.length}`)
      body = content
    }
  }
  // In any order.
  for (let at = fields.length - 1; at > 0; at--) {
    const other = random.below(at + 1)
    ;[fields[at], fields[other]] = [fields[other], fields[at]]
  }
  return `${[...lines, ...fields].join('\r\n')}\r\n\r\n${body}`
}
