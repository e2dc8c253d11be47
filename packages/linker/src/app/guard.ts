import { type ChildProcess, spawn } from 'node:child_process'
import type { Socket } from 'node:net'

/** A process that outlives the linker just long enough to end the application. */
export interface Guard {
  /** Resolves when the guard process is gone, or could not be started; never rejects. */
  readonly exited: Promise<void>
  /** Tells the guard that there is nothing left to guard: it exits at once and signals nobody. Idempotent. */
  dismiss(): void
}

// It waits for a line that says "all is over", or for the end of the pipe, which only the kernel writes: when the
// linker is gone, be it by kill -9. Then one second for the application to end by itself, well within two in all.
// The traps are for what signals everything at once (systemd's control-group, kill -1): the guard stays until the
// linker is gone. `kill -TERM -N` is the only form that dash, bash and busybox (Alpine) all understand: with `--`
// busybox takes that for a process too and fails, and dash fails without it after `-s TERM`. A group that is already
// empty fails the first kill and ends the script.
const SCRIPT = `trap '' HUP INT TERM
read -r line && exit 0
kill -TERM "-$1" || exit 0
sleep 1
kill -KILL "-$1"`

/**
 * Starts a guard: the application dies with its linker, even if that is killed with SIGKILL.
 *
 * The guard is a shell in a session of its own, reading a pipe from the linker. It has no other descriptor of the
 * linker's: neither its output (whose readers wait for the end of the pipe) nor a listening socket. It does not keep
 * the linker's event loop alive.
 *
 * Node offers nothing like prctl(PR_SET_PDEATHSIG), so where there is no /bin/sh (an image built from scratch) there
 * is no guard, and `onNotice` says so once: a linker that is killed with SIGKILL leaves its application behind. In a
 * container that is harmless if the linker is PID 1, whose end is everybody's.
 *
 * @param pgid the application's process group
 * @param onNotice gets one line for the operator when the application is not guarded
 * @param shell path of a POSIX shell; default /bin/sh
 */
export function startGuard(pgid: number, onNotice: (line: string) => void, shell = '/bin/sh'): Guard {
  let dismissed = false
  let noticed = false
  const notice = (reason: string) => {
    if (dismissed || noticed) return
    noticed = true
    onNotice(`${reason}: if this linker is killed with SIGKILL the application may go on`)
  }

  let child: ChildProcess
  try {
    child = spawn(shell, ['-c', SCRIPT, 'brxy-guard', String(pgid)], {
      cwd: '/', // a guard must not keep a file system mounted
      detached: true,
      env: { PATH: process.env.PATH ?? '/usr/bin:/bin' }, // for `sleep`; nothing of the linker's secrets
      stdio: ['pipe', 'ignore', 'ignore'],
    })
  } catch (error) {
    notice(`no guard process (${(error as Error).message})`)
    return { exited: Promise.resolve(), dismiss() {} }
  }

  const exited = new Promise<void>((resolve) => {
    child.once('error', (error: NodeJS.ErrnoException) => {
      notice(error.code === 'ENOENT' ? `no ${shell}` : `no guard process (${error.code})`)
      resolve()
    })
    child.once('exit', (code, signal) => {
      notice(`the guard process is gone (${signal ?? `status ${code}`})`)
      resolve()
    })
  })
  const pipe = child.stdin as Socket | undefined // undefined when there was no descriptor left for it (EMFILE)
  pipe?.on('error', () => {}) // EPIPE when the guard is gone: its exit has said so
  pipe?.unref()
  child.unref()

  return {
    exited,
    dismiss() {
      if (dismissed) return
      dismissed = true
      pipe?.end('over\n')
    },
  }
}
