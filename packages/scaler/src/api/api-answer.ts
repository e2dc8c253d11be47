import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { ApiError } from './api-error.ts'

/** Largest answer, and largest line of a stream, that is read: a list of 10,000 containers has about 20 MiB. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024
/** How much of a text that is no JSON an error shows. */
const MAX_SHOWN = 4096

/** A whole answer that was a success. */
export interface ApiAnswer {
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

/** The answer's body. @throws if it breaks off, or is too long */
export async function bodyOf(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > MAX_ANSWER_BYTES) throw new Error(`the answer is longer than ${MAX_ANSWER_BYTES} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** Hands over each line of an answer as it comes, empty ones left out; resolves at its end. @throws as bodyOf() */
export async function linesOf(response: IncomingMessage, onLine: (line: string) => void): Promise<void> {
  let rest = ''
  for await (const chunk of response.setEncoding('utf8')) {
    const lines = `${rest}${chunk}`.split('\n')
    rest = lines.pop() ?? ''
    if (rest.length > MAX_ANSWER_BYTES) throw new Error(`a line is longer than ${MAX_ANSWER_BYTES} bytes`)
    for (const line of lines) if (line.trim() !== '') onLine(line)
  }
  if (rest.trim() !== '') onLine(rest)
}

/** What a body says; undefined of an empty one. @throws if it is no JSON: something else than the API has answered */
export function jsonIn(body: Buffer): unknown {
  const text = body.toString('utf8')
  if (text.trim() === '') return undefined
  try {
    return JSON.parse(text)
  } catch {
    throw new Error(`the answer is no JSON: ${JSON.stringify(text.slice(0, 100))}`)
  }
}

/** The error of an answer that is no success. @param what was asked: `GET /v1/jobs` */
export function refusalIn(platform: string, what: string, response: IncomingMessage, body: Buffer): ApiError {
  const { statusCode = 0, headers } = response
  const text = body.toString('utf8').trim()
  const json = parsed(text)
  const message =
    messageIn(json) ?? (text === '' ? `${platform} answered ${statusCode}` : text.slice(0, MAX_SHOWN))
  const seconds = Number(headers['retry-after'] ?? Number.NaN)
  const retryAfterMs = Number.isFinite(seconds) ? seconds * 1_000 : undefined
  return new ApiError(statusCode, message, { what, body: json, retryAfterMs })
}

/** Docker and Kubernetes say `{"message": ...}`, Nomad says it in plain text. */
function messageIn(json: unknown): string | undefined {
  const message = (json as { message?: unknown } | null | undefined)?.message
  return typeof message === 'string' && message !== '' ? message : undefined
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
