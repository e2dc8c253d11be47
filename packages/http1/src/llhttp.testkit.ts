/** What Node's own parser made of the same bytes. */
export interface LlhttpResult {
  /** Error code, '' if it accepted the bytes. */
  error: string
  method: string
  url: string
  status: number
  reason: string
  fields: [string, string][]
  trailers: [string, string][]
  body: string
  /** How often a message was complete, before and after the last byte. */
  completeBefore: number
  complete: number
}

interface Parser {
  [callback: number]: unknown
  initialize(type: number, resource: object, maxHeaderSize: number): void
  execute(buffer: Buffer): number | (Error & { code: string })
  finish(): undefined | (Error & { code: string })
  close(): void
}

interface Binding {
  methods: string[]
  allMethods?: string[]
  HTTPParser: { new (): Parser } & Record<string, number>
}

// The parser behind node:http, without a socket between. Old and internal, but only tests need it.
const binding = (process as unknown as { binding(name: string): Binding }).binding('http_parser')
const { HTTPParser } = binding
const MAX_HEADER_BYTES = 65_536

export const LLHTTP_METHODS: ReadonlySet<string> = new Set(binding.methods)

/**
 * Runs llhttp, strict as node:http runs it, over `bytes`, which should be exactly one message.
 * @param skipBody the response has no body because of its request (or its status, which llhttp leaves to its user)
 */
export function runLlhttp(
  type: 'REQUEST' | 'RESPONSE',
  bytes: Buffer,
  skipBody: boolean,
  eof: boolean,
): LlhttpResult {
  const result: LlhttpResult = {
    error: '',
    method: '',
    url: '',
    status: 0,
    reason: '',
    fields: [],
    trailers: [],
    body: '',
    completeBefore: 0,
    complete: 0,
  }
  const parser = new HTTPParser()
  parser.initialize(HTTPParser[type], {}, MAX_HEADER_BYTES)
  let inHead = true
  parser[HTTPParser.kOnHeaders] = (list: string[], url: string) => {
    ;(inHead ? result.fields : result.trailers).push(...pairs(list))
    if (inHead) result.url += url
  }
  parser[HTTPParser.kOnHeadersComplete] = (
    _major: number,
    _minor: number,
    list: string[] | undefined,
    method: number,
    url: string | undefined,
    status: number,
    reason: string,
  ) => {
    inHead = false
    result.fields.push(...pairs(list ?? []))
    result.method = (binding.allMethods ?? binding.methods)[method] ?? ''
    result.url += url ?? ''
    result.status = status
    result.reason = reason
    return skipBody ? 1 : 0
  }
  parser[HTTPParser.kOnBody] = (chunk: Buffer) => {
    result.body += chunk.toString('latin1')
  }
  parser[HTTPParser.kOnMessageComplete] = () => {
    result.complete++
  }
  const last = Math.max(0, bytes.length - 1)
  for (const part of [bytes.subarray(0, last), bytes.subarray(last)]) {
    result.completeBefore = result.complete
    const outcome = parser.execute(Buffer.from(part))
    if (outcome instanceof Error) {
      result.error = outcome.code
      break
    }
  }
  if (eof && result.error === '') {
    const outcome = parser.finish()
    if (outcome instanceof Error) result.error = outcome.code
  }
  parser.close()
  return result
}

function pairs(list: string[]): [string, string][] {
  const result: [string, string][] = []
  for (let i = 0; i + 1 < list.length; i += 2) result.push([list[i], list[i + 1]])
  return result
}
