import { posix } from 'node:path'
import { importsOf } from './imports.ts'
import { readSource } from './source.ts'
import type { SourceFile } from './tree.ts'

/**
 * What decides (docs/architecture.md, "Machines and shells"): these files know no socket, timer, clock, process, promise
 * or randomness. Time and chance are handed to them, so a test runs hours in milliseconds and every run can be repeated.
 */
export const MACHINES: readonly RegExp[] = [
  /^packages\/http1\/src\//,
  /^packages\/protocol\/src\/(?!transport\/)/,
  /^packages\/edge\/src\/(broker|message-of|puller-heap|throttle)\.ts$/,
  /^packages\/edge\/src\/forward\/(exchange-deadlines|upload-pace|write-stall)\.ts$/,
  /^packages\/edge\/src\/hold\//,
  /^packages\/edge\/src\/route\//,
  /^packages\/edge\/src\/scale\/(?!runner|scalers|scaler-log)/,
  /^packages\/edge\/src\/proxy-protocol\/(?!gate|reception)/,
  /^packages\/scaler\/src\/(counted|api\/retry-pace)\.ts$/,
  /^packages\/linker\/src\/(ledger|life)\//,
  /^packages\/linker\/src\/tunnel\/reconnect\.ts$/,
]

/** Modules that a machine may import, and where. A hash is a function of its input, and so is the next time of a cron. */
const ALLOWED_MODULES: readonly [path: RegExp, specifier: string][] = [
  [/./, 'node:buffer'],
  [/^packages\/http1\/src\/response-rules\.ts$/, 'node:crypto'],
  [/^packages\/edge\/src\/scale\/keep-warm\.ts$/, 'croner'],
]

/** Packages of ours that are machines as a whole. */
const ALLOWED_PACKAGES: ReadonlySet<string> = new Set(['@brxy/protocol', '@brxy/http1'])

/** Not as a property (`x.process`), a key (`process:`) or a part of a name; `new Date(ms)` is a time that was handed in. */
const FORBIDDEN =
  /(?<![\w$#.]|\?\.)(Date(?!\([^)])|performance|setTimeout|setInterval|setImmediate|queueMicrotask|process|console|Promise|async|await|fetch|globalThis|require)\b(?!\s*\??:)/g
const RANDOM = /\bMath\s*\.\s*random\b|\brandom(?:Bytes|UUID|Int|FillSync)\b|\bgetRandomValues\b/g

export function isMachine(path: string): boolean {
  return MACHINES.some((pattern) => pattern.test(path))
}

/** What a file does that a machine must not, each as a line. */
export function impurities({ path, text }: SourceFile): string[] {
  const { bare } = readSource(text)
  const found: string[] = []
  const say = (at: number, what: string) =>
    found.push(`${path}:${bare.slice(0, at).split('\n').length}: a state machine uses ${what}`)
  for (const match of bare.matchAll(FORBIDDEN)) say(match.index, match[1])
  for (const match of bare.matchAll(RANDOM)) say(match.index, match[0])
  for (const { specifier, isType } of importsOf(text)) {
    if (isType) continue
    if (specifier.startsWith('.')) {
      const target = posix.join(posix.dirname(path), specifier)
      if (!isMachine(target)) found.push(`${path}: a state machine imports ${specifier}, which is none`)
    } else if (
      !ALLOWED_PACKAGES.has(specifier) &&
      !ALLOWED_MODULES.some(([where, allowed]) => allowed === specifier && where.test(path))
    ) {
      found.push(`${path}: a state machine imports ${specifier}`)
    }
  }
  return found
}
