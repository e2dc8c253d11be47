import type { Environment } from '@brxy/options'
import { shown } from './problem.ts'

/**
 * Longest text that a scalar may become, in UTF-16 units: a short text can name a long variable many times. Nothing in
 * a config file is as long as this.
 */
export const MAX_INTERPOLATED = 1_048_576

/** A text with its variables filled in. */
export interface Interpolated {
  readonly text: string
  /** Whether a variable was named, set or not: then the text may hold a secret and must not be shown. */
  readonly wasUsed: boolean
}

/** Why a text cannot be filled in. */
export interface InterpolationProblem {
  /** What is wrong and what to write instead. Never what a variable holds. */
  readonly problem: string
  /** Where in the text the offending `${` stands, in UTF-16 units from 0. */
  readonly offset: number
}

/**
 * Fills environment variables into the text of one scalar, as POSIX sh does it (Shell Command Language 2.6.2) for these
 * forms; a `$` before anything else stays as it is.
 *
 * - `${NAME}`: an error if unset; empty is a value.
 * - `${NAME:-default}`: the default if unset or empty.
 * - `${NAME:?message}`: an error with the message if unset or empty.
 * - `$$`: a `$`, in a default and a message too.
 *
 * The result is text: nothing in it is looked at again, neither for variables nor for YAML's structure.
 */
export function interpolate(text: string, env: Environment): Interpolated | InterpolationProblem {
  if (!text.includes('$')) return { text, wasUsed: false }
  let result = ''
  let copiedTo = 0
  let wasUsed = false
  const signs = /\$[${]/g
  for (let sign = signs.exec(text); sign !== null; sign = signs.exec(text)) {
    const offset = sign.index
    result += text.slice(copiedTo, offset)
    if (sign[0] === '$$') {
      result += '$'
    } else {
      const end = text.indexOf('}', offset)
      if (end === -1) return { problem: unclosed(text.slice(offset)), offset }
      const filled = substitute(text.slice(offset + 2, end), env)
      if ('problem' in filled) return { problem: filled.problem, offset }
      result += filled.value
      wasUsed = true
      signs.lastIndex = end + 1
    }
    copiedTo = signs.lastIndex
    if (wasUsed && result.length > MAX_INTERPOLATED) return { problem: TOO_LONG, offset }
  }
  return { text: result + text.slice(copiedTo), wasUsed }
}

const REFERENCE = /^(?<name>[A-Za-z_][A-Za-z0-9_]*)(?::(?<kind>[-?])(?<word>.*))?$/s
const FORMS = `\${NAME}, \${NAME:-default} or \${NAME:?message}, or $\${ for a literal \${`
const TOO_LONG = `becomes longer than ${MAX_INTERPOLATED} characters by its variables`

/** What `${reference}` stands for. */
function substitute(reference: string, env: Environment): { value: string } | { problem: string } {
  if (reference.replaceAll('$$', '').includes('${')) {
    return { problem: `${shown(`\${${reference}}`)} has a variable inside a variable, which is not possible` }
  }
  const groups = REFERENCE.exec(reference)?.groups
  if (groups === undefined)
    return { problem: `${shown(`\${${reference}}`)} is not understood; write ${FORMS}` }
  const { name, kind } = groups
  const word = groups.word?.replaceAll('$$', () => '$')
  // `constructor` is not a variable, however an object's prototype answers.
  const value = Object.hasOwn(env, name) ? env[name] : undefined
  if (value !== undefined && (value !== '' || kind === undefined)) return { value }
  if (kind === '-') return { value: word }
  const state = value === undefined ? 'not set' : 'empty'
  if (kind === '?') return { problem: `the variable ${name} is ${state}${word === '' ? '' : `: ${word}`}` }
  return {
    problem: `the variable ${name} is not set; write $\${${name}} for a literal \${${name}}, or \${${name}:-default}`,
  }
}

function unclosed(rest: string): string {
  return `${shown(rest)} has no closing }; write $\${ for a literal \${`
}
