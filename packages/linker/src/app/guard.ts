import { type ChildProcess, spawn } from 'node:child_process'
import type { Socket } from 'node:net'

/** A process that is there before the application, and outlives the linker just long enough to end it. */
export interface Guard {
  /** Resolves when the guard process is gone, or could not be started; never rejects. */
  readonly exited: Promise<void>
  /**
   * Makes two FIFOs, `1` and `2`, that only this user may open: it is a shell, and the linker would need another process.
   * To be asked at most once, before watch(). @returns false if it cannot, or not within a second; never rejects
   */
  makeFifos(folder: string): Promise<boolean>
  /** Tells it whom to end: once, as soon as there is somebody. @param pgid the application's process group */
  watch(pgid: number): void
  /** Tells it that there is nothing left to guard: it exits at once and signals nobody. Idempotent. */
  dismiss(): void
}

const FIFOS_TIMEOUT_MS = 1_000
/** The descriptor on which guard and linker talk. */
const TALK = 3

// What the linker says is a line, and the end of it, which only the kernel writes, says that the linker is gone, be it by
// kill -9: as long as there is no application there is nothing to do then. The traps are for what signals everything at
// once (systemd's control-group, kill -1): the guard stays until the linker is gone. Once there is an application, the
// shell that waits has its group among its arguments, where people (ps) and tests see it.
const PREPARE = `trap '' HUP INT TERM
while read -r word rest <&3; do
  case $word in
    fifos) if mkfifo -m 600 "$rest/1" "$rest/2"; then echo made; else echo none; fi >&3 ;;
    watch) exec "$1" -c "$2" brxy-guard "$rest" ;;
    over) exit 0 ;;
  esac
done`

// When the linker is gone, one second for the application to end by itself, well within two in all. `kill -TERM -N` is the
// only form that dash, bash and busybox (Alpine) all understand: with `--` busybox takes that for a process too and fails,
// and dash fails without it after `-s TERM`. A group that is already empty fails the first kill and ends the script.
const WATCH = `read -r line <&3 && exit 0
kill -TERM "-$1" || exit 0
sleep 1
kill -KILL "-$1"`

/**
 * Starts a guard: the application dies with its linker, even if that is killed with SIGKILL.
 *
 * The guard is a shell in a session of its own, at one end of a pair of sockets. It has no other descriptor of the
 * linker's: neither its output (whose readers wait for the end of the pipe) nor a listening socket. It does not keep
 * the linker's event loop alive.
 *
 * Node offers nothing like prctl(PR_SET_PDEATHSIG), so where there is no /bin/sh (an image built from scratch) there
 * is no guard, and `onNotice` says so once: a linker that is killed with SIGKILL leaves its application behind. In a
 * container that is harmless if the linker is PID 1, whose end is everybody's.
 *
 * @param onNotice gets one line for the operator when the application is not guarded
 * @param shell path of a POSIX shell; default /bin/sh
 */
export function startGuard(onNotice: (line: string) => void, shell = '/bin/sh'): Guard {
  let dismissed = false
  let noticed = false
  const notice = (reason: string) => {
    if (dismissed || noticed) return
    noticed = true
    onNotice(`${reason}: if this linker is killed with SIGKILL the application may go on`)
  }

  let child: ChildProcess
  try {
    child = spawn(shell, ['-c', PREPARE, 'brxy-guard', shell, WATCH], {
      cwd: '/', // a guard must not keep a file system mounted
      detached: true,
      env: { PATH: process.env.PATH ?? '/usr/bin:/bin' }, // for mkfifo and sleep; nothing of the linker's secrets
      stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    })
  } catch (error) {
    notice(`no guard process (${(error as Error).message})`)
    return { exited: Promise.resolve(), makeFifos: async () => false, watch() {}, dismiss() {} }
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
  // Where no descriptor is left (EMFILE, ENFILE) spawn() ends before it has made any of them, whatever its type says.
  const talk = (child.stdio as typeof child.stdio | undefined)?.[TALK] as Socket | undefined
  talk?.on('error', () => {}) // EPIPE when the guard is gone: its exit has said so
  talk?.unref()
  child.unref()

  return {
    exited,
    async makeFifos(folder) {
      if (talk === undefined) return false
      talk.write(`fifos ${folder}\n`)
      return (await firstWord(talk, exited)) === 'made\n'
    },
    watch: (pgid) => void talk?.write(`watch ${pgid}\n`),
    dismiss() {
      if (dismissed) return
      dismissed = true
      talk?.end('over\n')
    },
  }
}

/** What it answers; '' if nothing within its time, for which alone the event loop is kept alive. */
function firstWord(talk: Socket, exited: Promise<void>): Promise<string> {
  return new Promise((resolve) => {
    const settle = (word: string) => {
      clearTimeout(timer)
      resolve(word)
    }
    const timer = setTimeout(settle, FIFOS_TIMEOUT_MS, '')
    talk.once('data', (word: Buffer) => settle(word.toString()))
    void exited.then(() => settle(''))
  })
}
