import { inspect } from 'node:util'
import type { Host } from '../contract.ts'

/** A host that keeps what it is told. */
export class RecordingHost implements Host {
  readonly owner: string
  readonly stateDir: string
  /** Lines of the adapter's own, with their fields, as text. */
  readonly lines: string[] = []
  /** The routes of each hint, in order. */
  readonly changedRoutes: string[] = []
  /** How often it was told anything. */
  toldCount = 0

  constructor(owner: string, stateDir: string) {
    this.owner = owner
    this.stateDir = stateDir
  }

  changed(route: string): void {
    this.toldCount++
    this.changedRoutes.push(route)
  }

  log(level: 'info' | 'warn' | 'error', message: string, fields: object = {}): void {
    this.toldCount++
    // What a launch wrote is the launch's own affair.
    if ((fields as { output?: unknown }).output === true) return
    this.lines.push(`${level} ${message} ${inspect(fields, { depth: 10 })}`)
  }
}
