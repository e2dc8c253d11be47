import { type Guard, startGuard } from './guard.ts'
import { type OutputPipes, openOutputPipes } from './pipes.ts'

/** What there is before an application: its guard, and the way of its output. */
export interface PreparedApp {
  readonly guard: Guard
  readonly pipes: OutputPipes
}

/**
 * Prepares for an application, in another process for the most part: ask for it before something else that takes time, such
 * as a port. Never rejects.
 *
 * @param onNotice gets a line for the operator when the application will not die with its linker (guard.ts)
 */
export async function prepareApp(onNotice: (line: string) => void): Promise<PreparedApp> {
  const guard = startGuard(onNotice)
  return { guard, pipes: await openOutputPipes((folder) => guard.makeFifos(folder)) }
}

/** There will be no application after all. */
export function release({ guard, pipes }: PreparedApp): void {
  pipes.readers()
  guard.dismiss()
}
