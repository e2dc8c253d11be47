import { spawn } from 'node:child_process'
import { once } from 'node:events'

/** Leaves a socket at `path` to which nobody listens: what is left of a process that was killed. */
export async function leaveStale(path: string): Promise<void> {
  const script = `require('node:net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))`
  await once(spawn(process.execPath, ['-e', script, path], { stdio: 'ignore' }), 'exit')
}
