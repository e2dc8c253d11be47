import { readFileSync } from 'node:fs'
import { basename } from 'node:path'

const POLL_MS = 300
/** `npx`, a shell, `pnpm`, a shell: more than that is none of ours. */
const MAX_ANCESTORS = 16
const SHELL = /^(sh|dash|ash|bash)$/
const MANAGER = /^(npm|npx|pnpm|pnpx|yarn|corepack)(-cli)?(\.c?js)?$/

/**
 * Calls back once when whoever typed the command has ended it, although nobody told this process. A package manager
 * puts itself and shells between the two: one that is killed leaves the rest running, and a shell that runs a script
 * keeps a SIGINT to itself until the script ends (a ^C in a terminal reaches everybody, `kill -INT` does not). So all
 * of them are watched.
 */
export function onOutermostEnd(callback) {
  const parent = process.ppid
  const above = ancestors()
  // Taken with the first look: on a busy machine a shell may not have gone to sleep yet when its script begins.
  const before = new Map()
  const isOver = () => {
    if (process.ppid !== parent) return true
    for (const { pid, isShell } of above) {
      if (stat(pid) === null) return true
      if (!isShell) continue
      if (!before.has(pid)) before.set(pid, wakeUps(pid))
      if (wakeUps(pid) !== before.get(pid)) return true
    }
    return false
  }
  // ^Z and fg wake everybody.
  process.on('SIGCONT', () => before.clear())
  const timer = setInterval(() => {
    if (!isOver()) return
    clearInterval(timer)
    callback()
  }, POLL_MS)
  timer.unref()
}

/** The package managers above this process and their shells. Only Linux tells; elsewhere the parent alone is watched. */
function ancestors() {
  const found = []
  for (let pid = process.ppid; found.length < MAX_ANCESTORS; ) {
    const words = commandLine(pid)
    // `sh -c script`; a shell that somebody types or writes into is the user's own, and has more to do than to wait.
    const isShell = SHELL.test(basename(words[0])) && words[1] === '-c'
    // npm overwrites its command line with a title: `npm exec pnpm demo`.
    const isManager = words.slice(0, 2).some((word) => MANAGER.test(basename(word.split(' ')[0])))
    if (!isShell && !isManager) break
    found.push({ pid, isShell })
    pid = stat(pid)?.parent
  }
  return found
}

function commandLine(pid) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
  } catch {
    return ['']
  }
}

/** proc(5): `pid (name) state ppid ...`. Null for a process that is gone, a zombie included. */
function stat(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const [, state, parent] = /^\d+ \(.*\) (\S) (\d+)/s.exec(text)
    return state === 'Z' ? null : { parent: Number(parent) }
  } catch {
    return null
  }
}

/** How often a process has slept: a shell that waits for its only command wakes for nothing but a signal. */
function wakeUps(pid) {
  try {
    return Number(
      /^voluntary_ctxt_switches:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1],
    )
  } catch {
    return 0
  }
}
