import { type IncomingMessage, request as requestHttp } from 'node:http'
import type { RequestOptions } from 'node:https'
import { MAX_REPORT_BYTES } from './demand-report.ts'

/** A report is repeated each second, so there is no use in waiting for long. */
const ANSWER_MS = 2_000

export interface Posted {
  readonly status: number
  readonly body: string
}

export interface ReportAccess {
  /** An edge's. */
  readonly token: string
  /** PEM of the CAs that an https: address is checked against; null: the public ones. */
  readonly ca: string | null
}

/** POSTs one report. Rejects with what went wrong: no connection, no answer in time, too long an answer. */
export async function postReport(url: URL, body: string, { token, ca }: ReportAccess): Promise<Posted> {
  // Needs a module that an edge without TLS does without.
  const request = url.protocol === 'https:' ? (await import('node:https')).request : requestHttp
  const options: RequestOptions = {
    method: 'POST',
    ...(ca === null ? {} : { ca }),
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
    },
  }
  return new Promise((resolve, reject) => {
    const sent = request(url, options, (response) => read(response).then(finish(resolve), finish(reject)))
    const timer = setTimeout(() => {
      finish(reject)(new Error(`no answer within ${ANSWER_MS} ms`))
      sent.destroy()
    }, ANSWER_MS)
    timer.unref()
    function finish<T>(settle: (value: T) => void): (value: T) => void {
      return (value) => {
        clearTimeout(timer)
        settle(value)
      }
    }
    sent.on('error', finish(reject))
    sent.end(body)
  })
}

function read(response: IncomingMessage): Promise<Posted> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = []
    let bytes = 0
    response.on('data', (part: Buffer) => {
      parts.push(part)
      bytes += part.length
      if (bytes > MAX_REPORT_BYTES) response.destroy(new Error('the answer is too long'))
    })
    response.on('error', reject)
    response.on('close', () => reject(new Error('the answer broke off')))
    response.on('end', () =>
      resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts).toString() }),
    )
  })
}
