import { existsSync } from 'node:fs'
import type { Problem } from '@brxy/scaler'

/** How a process ended: one of both is null. */
export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** EX_TEMPFAIL of sysexits.h: "try again later"; a linker that never served ends with it. */
const TEMPORARY_FAILURE = 75

/**
 * What an exit means. Status 0 is no problem: the command was an instance that has done its work, or a call to a
 * scheduler that has accepted.
 *
 * @param program argv[0]; the arguments may hold secrets and stay out of the message
 */
export function problemOfExit(
  program: string,
  { code, signal }: Exit,
  stderrTail: string,
): Problem | undefined {
  if (code === 0) return undefined
  const how = signal === null ? `exited with status ${code}` : `was ended by ${signal}`
  const message = `"${program}" ${how}${stderrTail === '' ? ', and wrote nothing to stderr' : `: ${stderrTail}`}`
  if (code === TEMPORARY_FAILURE) return { code: 'unavailable', message, final: false }
  return { code: 'crashed', message, final: true }
}

/** What it means that the process could not be created; the message names the cause and the remedy. */
export function problemOfSpawn(
  program: string,
  cwd: string | undefined,
  error: NodeJS.ErrnoException,
): Problem {
  const invalid = (why: string): Problem => ({
    code: 'invalid',
    message: `cannot run "${program}": ${why}`,
    final: true,
  })
  // exec reports a missing working directory and a missing interpreter as it does a missing program.
  if (cwd !== undefined && !existsSync(cwd)) return invalid(`its working directory "${cwd}" does not exist`)
  switch (error.code) {
    case 'ENOENT':
      if (!program.includes('/')) return invalid('not found on PATH')
      return invalid(
        existsSync(program) ? 'the interpreter that its first line names was not found' : 'no such file',
      )
    case 'EACCES':
      return invalid('not executable; chmod +x it, or name its interpreter')
    case 'E2BIG':
      return invalid('its arguments and environment are too long')
    case 'ENOTDIR':
      return invalid('a part of its path is not a directory')
    default:
      // EAGAIN, EMFILE, ENOMEM: the machine is short of something at the moment.
      return { code: 'unavailable', message: `cannot run "${program}": ${error.message}`, final: false }
  }
}
