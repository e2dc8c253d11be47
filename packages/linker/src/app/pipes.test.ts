import { execFile, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { openOutputPipes } from './pipes.ts'

/** As the guard of an application makes them. */
function fifos(mkfifo = 'mkfifo'): (folder: string) => Promise<boolean> {
  return (folder) =>
    new Promise((resolve) => {
      execFile(mkfifo, [join(folder, '1'), join(folder, '2')], (error) => resolve(error === null))
    })
}

/** Runs a shell script; what came from stdout and from stderr once both have ended. */
async function outputOf(script: string, opened = openOutputPipes(fifos())): Promise<string[]> {
  const pipes = await opened
  const child = spawn('/bin/sh', ['-c', script], { stdio: ['ignore', ...pipes.stdio] })
  const readers = pipes.readers(child)
  return Promise.all(
    readers.map(async (reader) => {
      const chunks: Buffer[] = []
      for await (const chunk of reader) chunks.push(chunk)
      return Buffer.concat(chunks).toString()
    }),
  )
}

test('lets an application open /dev/stdout and /dev/stderr by name, as nginx does', async () => {
  expect(await outputOf('echo out >/dev/stdout; echo err >/dev/stderr')).toEqual(['out\n', 'err\n'])
})

test('ends with the last writer', async () => {
  expect(await outputOf('(sleep 0.1; echo late) & echo early')).toEqual(['early\nlate\n', ''])
})

test('serves with sockets where there is no mkfifo', async () => {
  const pipes = await openOutputPipes(fifos('/no/such/mkfifo'))
  expect(pipes.stdio).toEqual(['pipe', 'pipe'])
  expect(await outputOf('echo out; echo err >&2', Promise.resolve(pipes))).toEqual(['out\n', 'err\n'])
})

test.each(['mkfifo', 'false'])('leaves no file behind (%s)', async (mkfifo) => {
  const folder = mkdtempSync(join(tmpdir(), 'brxy-pipes-'))
  vi.stubEnv('TMPDIR', folder)
  try {
    expect((await openOutputPipes(fifos(mkfifo))).readers()).toEqual([])
    expect(readdirSync(folder)).toEqual([])
  } finally {
    vi.unstubAllEnvs()
    rmSync(folder, { recursive: true })
  }
})

test('keeps no descriptor when there is no child after all', async () => {
  const descriptors = () => readdirSync('/dev/fd').length
  const before = descriptors()
  for (let i = 0; i < 20; i++) (await openOutputPipes(fifos())).readers()
  expect(descriptors() - before).toBeLessThan(20) // others of this process may come and go meanwhile
})
