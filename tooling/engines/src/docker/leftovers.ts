import { readdirSync, readFileSync } from 'node:fs'

/** Processes whose command line names something below the directory: containerd and its shims outlive a dockerd that was killed. */
export function processesBelow(dir: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => wordsOf(pid).some((word) => word.includes(`${dir}/`)))
    .map(Number)
}

function wordsOf(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
  } catch {
    return []
  }
}
