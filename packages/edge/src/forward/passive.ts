import { FIELD, type RequestHead } from '@brxy/http1'
import { joinPath, type Keys, OptionsError, pathOf } from '@brxy/options'
import type { AppOptions } from '../app-options.ts'

/** What a passive request is told while no instance is ready. */
export interface PassiveAnswer {
  /** 200 to 599. */
  readonly status: number
  /** Text; empty for statuses that have no content. */
  readonly body: string
}

/** Bytes of a User-Agent that are looked at: probes say who they are at its start, and rules times bytes is work. */
export const MAX_USER_AGENT_BYTES = 1024

/** A path as it stands in a request target (RFC 9112 3.2: visible ASCII, no `#`), without a query. */
const PATH_FORM = /^\/[!-"$->@-~]*$/

/** Statuses whose responses have no content (RFC 9110 15.3.5, 15.3.6, 15.4.5). */
const BODYLESS: readonly number[] = [204, 205, 304]

const QUESTION = 0x3f

/**
 * The requests of one app that neither start an instance nor keep one from leaving: health probes, uptime monitors
 * (DESIGN section 7). Of an app without rules this is an empty loop.
 */
export class PassiveRules {
  readonly #rules: readonly Rule[]

  /**
   * @param rules the `passive` option of the app
   * @param path where the rules were written, for errors: `apps.shop.passive`
   * @throws OptionsError `options/invalid` for a rule that matches everything, or can match nothing
   */
  constructor(rules: AppOptions['passive'], path = 'passive') {
    this.#rules = (rules ?? []).map((rule, at) => new Rule(rule, joinPath(path, at)))
  }

  /** What the first rule that the request matches has for it; null: it is a request as any other. */
  find(head: RequestHead): PassiveAnswer | null {
    for (const rule of this.#rules) if (rule.isMatch(head)) return rule.answer
    return null
  }
}

/** One rule, as bytes. */
class Rule {
  readonly answer: PassiveAnswer
  readonly #path: Buffer | null
  /** In lower case. */
  readonly #userAgents: readonly Buffer[]

  constructor(rule: NonNullable<AppOptions['passive']>[number], at: string) {
    const { path, userAgents, whenAsleep } = rule
    if (path === undefined && userAgents.length === 0) {
      throw invalid(at, [], 'matches every request; say `path`, `userAgents`, or both')
    }
    if (path !== undefined && !PATH_FORM.test(path)) {
      const form = 'begins with `/` and has neither a query nor other characters than URLs have'
      throw invalid(at, ['path'], `expected a path that ${form}, not ${JSON.stringify(path)}`)
    }
    for (const [i, text] of userAgents.entries()) {
      if (text !== '' && text.length <= MAX_USER_AGENT_BYTES) continue
      const expected = `expected 1 to ${MAX_USER_AGENT_BYTES} characters of a User-Agent, not ${text.length}`
      throw invalid(at, ['userAgents', i], expected)
    }
    if (whenAsleep.body !== '' && BODYLESS.includes(whenAsleep.status)) {
      const detail = `a response with status ${whenAsleep.status} has no body; leave it out, or say another status`
      throw invalid(at, ['whenAsleep', 'body'], detail)
    }
    this.answer = { status: whenAsleep.status, body: whenAsleep.body }
    this.#path = path === undefined ? null : Buffer.from(path, 'latin1')
    this.#userAgents = userAgents.map((text) => lowerCase(Buffer.from(text)))
  }

  isMatch(head: RequestHead): boolean {
    if (this.#path !== null && !hasPath(head, this.#path)) return false
    return this.#userAgents.length === 0 || this.#isAgent(head)
  }

  #isAgent(head: RequestHead): boolean {
    for (let at = head.find(FIELD.USER_AGENT); at !== -1; at = head.next(at)) {
      const from = head.valueStart(at)
      const to = Math.min(head.valueEnd(at), from + MAX_USER_AGENT_BYTES)
      for (const text of this.#userAgents) if (contains(head.buffer, from, to, text)) return true
    }
    return false
  }
}

/** Whether the path of the target, as it was sent and without its query, is this one. */
function hasPath(head: RequestHead, path: Buffer): boolean {
  const { buffer, targetStart, targetEnd, targetPrefix } = head
  // An absolute-form without a path: the prefix is the path, and what may follow is a query.
  if (targetPrefix !== 0) return path.length === 1 && path[0] === targetPrefix
  const end = targetStart + path.length
  if (end > targetEnd || (end < targetEnd && buffer[end] !== QUESTION)) return false
  for (let i = 0; i < path.length; i++) if (buffer[targetStart + i] !== path[i]) return false
  return true
}

/** Whether bytes [from, to) contain `text` (lower case), ignoring ASCII case. */
function contains(buffer: Buffer, from: number, to: number, text: Buffer): boolean {
  for (const last = to - text.length; from <= last; from++) {
    let i = 0
    while (i < text.length && lower(buffer[from + i] as number) === text[i]) i++
    if (i === text.length) return true
  }
  return false
}

function lowerCase(bytes: Buffer): Buffer {
  return bytes.map(lower) as Buffer
}

/** ASCII only: what other bytes mean is not known. */
function lower(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte
}

/** @param keys the way from the rule to what is wrong in it */
function invalid(rule: string, keys: Keys, detail: string): OptionsError {
  return new OptionsError('options/invalid', pathOf(keys, rule), detail, { keys })
}
