import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { notRunnable } from './not-runnable.ts'
import { startApp } from './process.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'brxy-not-runnable-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function file(name: string, text: string, mode: number): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  chmodSync(path, mode)
  return path
}

const start = (argv: string[], cwd?: string) =>
  startApp({ argv, port: 20_000, env: process.env, ...(cwd !== undefined && { cwd }), onOutput() {} })

test('says that a command is not found, with the status 127', async () => {
  await expect(start(['brxy-no-such-command'])).rejects.toMatchObject({
    code: 'link/app-not-found',
    exitStatus: 127,
    retryable: false,
    message: 'brxy-no-such-command: command not found; install it, or give its path',
    cause: { code: 'ENOENT' },
  })
})

test('tells a missing file, a missing interpreter and a missing working directory apart', async () => {
  const path = join(folder, 'missing')
  await expect(start([path])).rejects.toMatchObject({ message: `${path}: command not found; check the path` })
  const script = file('script', '#!/no/such/interpreter\n', 0o755)
  await expect(start([script])).rejects.toMatchObject({
    code: 'link/app-not-found',
    message: expect.stringContaining('interpreter'),
  })
  await expect(start(['sh', '-c', 'true'], path)).rejects.toMatchObject({
    code: 'link/app-not-found',
    exitStatus: 127,
    message: `working directory ${path}: no such directory`,
  })
})

test('says that a file is not executable, with the status 126', async () => {
  const path = file('data', 'hello', 0o644)
  await expect(start([path])).rejects.toMatchObject({
    code: 'link/app-not-executable',
    exitStatus: 126,
    message: `${path}: cannot be executed: permission denied; try chmod +x, or name its interpreter`,
  })
  await expect(start([folder])).rejects.toMatchObject({ code: 'link/app-not-executable', exitStatus: 126 })
})

test('reports what the system refuses before it tries, too: an argument list that is too long', async () => {
  await expect(start(['sh', '-c', 'true', 'x'.repeat(8 * 1024 * 1024)])).rejects.toMatchObject({
    code: 'link/app-not-executable',
    cause: { code: 'E2BIG' },
  })
})

test('says that a start may be tried again when the machine is short of processes', () => {
  const error = notRunnable(
    'app',
    undefined,
    Object.assign(new Error('spawn app EAGAIN'), { code: 'EAGAIN' }),
  )
  expect(error).toMatchObject({ code: 'link/app-not-executable', exitStatus: 126, retryable: true })
  expect(error.message).toContain('EAGAIN')
})

test('carries the brand of every brxy error', () => {
  const error = notRunnable('app', undefined, new Error('x'))
  expect(Reflect.get(error, Symbol.for('brxy.error'))).toBe(true)
})
