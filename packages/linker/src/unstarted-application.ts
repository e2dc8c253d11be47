import type { AppError } from './app/errors.ts'
import type { Application } from './application.ts'
import type { AppEnd } from './life/action.ts'

/** An application that could not be started: what is left is to tell the edge, which has requests waiting for it. */
export class UnstartedApplication implements Application {
  readonly exited: Promise<AppEnd>

  constructor({ exitStatus, message }: AppError) {
    this.exited = Promise.resolve({ code: exitStatus, signal: null, reason: message })
  }

  waitUntilListening(): Promise<never> {
    return new Promise(() => {})
  }

  stop(): Promise<void> {
    return Promise.resolve()
  }

  isFailing(): boolean {
    return false
  }

  again(): Promise<this> {
    return Promise.resolve(this)
  }

  tail(): string {
    return ''
  }
}
