import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The simulator as it is built; it puts stand-ins in the place of Node's modules, and so it is a process of its own. */
const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url))

/** Runs the simulator. @returns what it printed as JSON, its exit status, and what it said */
export async function sim<T>(...args: string[]): Promise<{ result: T; status: number | null; said: string }> {
  if (!existsSync(MAIN)) throw new Error(`${MAIN} is missing: pnpm build`)
  const child = spawn(process.execPath, [MAIN, ...args, '--json'], { stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  let said = ''
  child.stdout.on('data', (data) => {
    out += data
  })
  child.stderr.on('data', (data) => {
    said += data
  })
  const status = await new Promise<number | null>((resolve) => child.on('close', resolve))
  if (out === '') throw new Error(`the simulator ended with ${status}:\n${said}`)
  return { result: JSON.parse(out) as T, status, said }
}
