import { readSource } from './source.ts'

/** One import of a source, static or dynamic, or an export from elsewhere. */
export interface Import {
  /** What it says: `./frame.ts`, `node:net`, `@brxy/protocol/transport`. */
  readonly specifier: string
  /** Nothing of it is left at run time. */
  readonly isType: boolean
}

const STATIC =
  /(?:^|[;}\n])\s*(?:import|export)\b(?:(?<clause>[\w$\s{},*]*?)\bfrom\s*|\s*)(?<quote>['"])(?<specifier>[^'"\n]+)\k<quote>/g
const DYNAMIC = /\bimport\s*\(\s*(['"])([^'"]+)\1/g

/** What a source imports, in no particular order. Specifiers that are computed at run time are not seen. */
export function importsOf(text: string): Import[] {
  const { code } = readSource(text)
  const found: Import[] = []
  for (const { groups } of code.matchAll(STATIC)) {
    const { clause = '', specifier } = groups as { clause?: string; specifier: string }
    found.push({ specifier, isType: isTypeOnly(clause) })
  }
  for (const [, , specifier] of code.matchAll(DYNAMIC)) found.push({ specifier, isType: false })
  return found
}

/** `import type ...`, or braces in which every name is marked with `type`. */
function isTypeOnly(clause: string): boolean {
  if (/^\s*type\b(?!\s*(?:,|from))/.test(clause)) return true
  const names = /^\s*\{([^}]*)\}\s*$/.exec(clause)?.[1].split(',') ?? []
  const named = names.map((name) => name.trim()).filter((name) => name !== '')
  return named.length > 0 && named.every((name) => name.startsWith('type '))
}

/** The package of a specifier: `@brxy/protocol` of `@brxy/protocol/transport`; null for files and Node's own modules. */
export function packageOf(specifier: string): string | null {
  if (specifier.startsWith('.') || specifier.startsWith('node:')) return null
  const parts = specifier.split('/')
  return specifier.startsWith('@') ? `${parts[0]}/${parts[1]}` : parts[0]
}
