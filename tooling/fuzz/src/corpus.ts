import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** A case that failed once, as its file has it: kept for ever, run by every test run. */
export interface Saved {
  readonly target: string
  /** What did not hold when it was found. */
  readonly error: string
  readonly seed: number
  readonly case: unknown
}

/** The files of failed cases of one target. */
export function readCorpus(
  folder: string,
  target: string,
): { readonly file: string; readonly saved: Saved }[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .filter((name) => name.startsWith(`${target}-`) && name.endsWith('.json'))
    .sort()
    .map((name) => ({ file: name, saved: JSON.parse(readFileSync(join(folder, name), 'utf8')) as Saved }))
}

/** Writes a failed case; the same case has the same name. @returns its file */
export function saveCase(folder: string, saved: Saved): string {
  mkdirSync(folder, { recursive: true })
  const hash = createHash('sha256').update(JSON.stringify(saved.case)).digest('hex').slice(0, 12)
  const file = join(folder, `${saved.target}-${hash}.json`)
  writeFileSync(file, `${JSON.stringify(saved, null, 2)}\n`)
  return file
}
