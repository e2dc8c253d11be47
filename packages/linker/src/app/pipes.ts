import type { ChildProcess } from 'node:child_process'
import { closeSync, constants, mkdtempSync, openSync, rmdirSync, unlinkSync } from 'node:fs'
import { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** The way of an application's output to the linker: stdout first, then stderr. */
export interface OutputPipes {
  /** For spawn(): what becomes the application's descriptors 1 and 2. */
  readonly stdio: readonly [number, number] | readonly ['pipe', 'pipe']
  /**
   * To be called once, after spawn(), with the child or with nothing if there is none: gives back the linker's copies
   * of the writing ends, without which the streams would never end.
   *
   * @returns the reading ends; none without a child
   */
  readers(child?: ChildProcess): readonly Socket[]
}

/**
 * Makes a pipe for stdout and one for stderr.
 *
 * What Node calls a pipe is a pair of sockets, and a socket cannot be opened by name: an application that logs to
 * /dev/stdout or /proc/self/fd/2, as the official images of nginx, httpd and php do, would fail with ENXIO. Node has
 * no pipe(2), so this opens two FIFOs that somebody makes with mkfifo(1), and removes their names at once. Where it does
 * not work (no mkfifo, no writable directory for temporary files) Node's sockets serve, for all other applications.
 *
 * @param makeFifos makes `1` and `2` in this folder, for this user only; false: it cannot
 */
export async function openOutputPipes(makeFifos: (folder: string) => Promise<boolean>): Promise<OutputPipes> {
  let folder: string
  try {
    folder = mkdtempSync(join(tmpdir(), 'brxy-output-'))
  } catch {
    return SOCKETS
  }
  const names = [join(folder, '1'), join(folder, '2')]
  const opened: number[] = []
  try {
    if (!(await makeFifos(folder))) return SOCKETS
    // The reading end first, for opening a FIFO waits for the other side unless it is non-blocking; the flag belongs
    // to this end alone, and the application gets an ordinary, blocking one.
    for (const name of names) opened.push(openSync(name, constants.O_RDONLY | constants.O_NONBLOCK))
    for (const name of names) opened.push(openSync(name, constants.O_WRONLY))
  } catch {
    for (const fd of opened) closeSync(fd)
    return SOCKETS
  } finally {
    for (const name of names) ifThere(() => unlinkSync(name))
    ifThere(() => rmdirSync(folder))
  }

  const [stdoutRead, stderrRead, stdoutWrite, stderrWrite] = opened as [number, number, number, number]
  return {
    stdio: [stdoutWrite, stderrWrite],
    readers(child) {
      closeSync(stdoutWrite)
      closeSync(stderrWrite)
      if (child)
        return [stdoutRead, stderrRead].map((fd) => new Socket({ fd, readable: true, writable: false }))
      closeSync(stdoutRead)
      closeSync(stderrRead)
      return []
    },
  }
}

function ifThere(remove: () => void): void {
  try {
    remove()
  } catch {
    // It was never made, or somebody cleans up.
  }
}

const SOCKETS: OutputPipes = {
  stdio: ['pipe', 'pipe'],
  readers: (child) => (child?.stdout && child.stderr ? [child.stdout as Socket, child.stderr as Socket] : []),
}
