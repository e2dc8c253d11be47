import { assert } from '@brxy/protocol'

/** Longest path prefix of a rule, in bytes, as it is written. */
export const MAX_PREFIX_LENGTH = 1024

/** Of the bytes of a request target (RFC 9112 3.2: visible ASCII, no `#`), those that come before a query. */
const PREFIX_FORM = /^\/[!-"$->@-~]*$/

/**
 * Reads the path prefix of a rule, as it is compared with targets: without the slashes at its end, so that `/api/` is
 * `/api`, and empty for `/`, which is every path. Nothing else is changed: `%41`, `..`, `//` and upper case stay as
 * they are, because the target that the application sees is what the client sent, and two readings of one path are
 * how requests slip past a rule.
 *
 * @returns null for what is no prefix: without `/` at its start, with `?`, `#`, a space, a control or non-ASCII
 * character, or above {@link MAX_PREFIX_LENGTH}
 */
export function parsePrefix(text: string): string | null {
  if (text.length > MAX_PREFIX_LENGTH || !PREFIX_FORM.test(text)) return null
  let end = text.length
  while (end > 0 && text[end - 1] === '/') end--
  return text.slice(0, end)
}

/**
 * What the application is asked for when its prefix is taken off: `/api/x?q` under `/api` is `/x?q`; `/api` is `/`,
 * `/api?q` is `/?q`. The rest is as the client sent it, also when it begins with `//`.
 *
 * @param target of a request that matched `prefix`: a path and its query, or `*` if the prefix is empty
 * @param prefix from {@link parsePrefix}; empty: nothing is taken off
 * @throws BrxyError `bug/assertion` if the target is not under the prefix
 */
export function strippedTarget(target: string, prefix: string): string {
  if (prefix === '') return target
  assert(target.startsWith(prefix), 'a target begins with the prefix that it matched')
  const rest = target.slice(prefix.length)
  if (rest.startsWith('/')) return rest
  assert(rest === '' || rest.startsWith('?'), 'a matched prefix ends where a segment ends')
  return `/${rest}`
}
