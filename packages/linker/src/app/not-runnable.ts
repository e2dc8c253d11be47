import { statSync } from 'node:fs'
import { AppError } from './errors.ts'

// The machine is short of something; the command may be all right.
const SHORTAGES = ['EAGAIN', 'EMFILE', 'ENFILE', 'ENOMEM']

/**
 * What to tell the operator when the system would not start `command`.
 *
 * @param command the command's name, `{port}` already replaced
 * @param cwd the working directory it was to have, if one was named
 * @param cause the error of execve(2) or of one of its forerunners
 */
export function notRunnable(
  command: string,
  cwd: string | undefined,
  cause: NodeJS.ErrnoException,
): AppError {
  const code = cause.code ?? cause.message
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    // chdir(2) happens in the new process, and its ENOENT looks the same.
    if (cwd !== undefined && !isDirectory(cwd)) {
      return new AppError('link/app-not-found', `working directory ${cwd}: no such directory`, { cause })
    }
    if (command.includes('/') && exists(command)) {
      const message = `${command}: exists, but not the interpreter that its first line (#!) or its loader names`
      return new AppError('link/app-not-found', message, { cause })
    }
    const remedy = command.includes('/') ? 'check the path' : 'install it, or give its path'
    return new AppError('link/app-not-found', `${command}: command not found; ${remedy}`, { cause })
  }
  if (SHORTAGES.includes(code)) {
    const message = `${command}: the system cannot start another process now (${code})`
    return new AppError('link/app-not-executable', message, { cause, retryable: true })
  }
  const remedy = code === 'EACCES' ? 'permission denied; try chmod +x, or name its interpreter' : code
  return new AppError('link/app-not-executable', `${command}: cannot be executed: ${remedy}`, { cause })
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
}
