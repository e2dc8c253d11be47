import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { afterEach, expect, test } from 'vitest'
import { MAX_BUFFERED_OUTPUT_BYTES, passThrough } from './output.ts'
import { type AppProcess, startApp } from './process.ts'
import { compileApp, until, within } from './processes.testkit.ts'

const apps: AppProcess[] = []
afterEach(() => Promise.all(apps.splice(0).map((app) => app.stop(0))))

/** A reader that takes one chunk and never says that it is done with it. */
class Stalled extends Writable {
  override _write(): void {}
}

test('hands every byte on in order while the reader keeps up', () => {
  const taken: Buffer[] = []
  const out = new Writable({
    write(chunk, _encoding, done) {
      taken.push(chunk)
      done()
    },
  })
  const sink = passThrough(() => out)
  const binary = Buffer.from([0, 255, 10, 13, 128])
  sink.write(Buffer.from('a\n'))
  sink.write(binary)
  expect(Buffer.concat(taken)).toEqual(Buffer.concat([Buffer.from('a\n'), binary]))
  expect(sink.droppedBytes).toBe(0)
})

test('drops and counts what is beyond the bound, and goes on once the reader has caught up', () => {
  let release: (() => void) | undefined
  const taken: string[] = []
  const out = new Writable({
    write(chunk, _encoding, done) {
      taken.push(String(chunk))
      release = done
    },
  })
  const sink = passThrough(() => out, 4)
  sink.write(Buffer.from('1234'))
  sink.write(Buffer.from('5'))
  expect(out.writableLength).toBe(4)
  expect(sink.droppedBytes).toBe(1)
  release?.()
  sink.write(Buffer.from('678'))
  expect(taken).toEqual(['1234', '678'])
  expect(sink.droppedBytes).toBe(1)
})

test('does not block an application that prints 8 MiB to a stalled reader', async () => {
  const out = new Stalled()
  const sink = passThrough(() => out)
  const total = 8 * 1024 * 1024
  const script = `for (let i = 0; i < 128; i++) require('node:fs').writeSync(1, Buffer.alloc(65536, i))`
  const app = await startApp({
    argv: [process.execPath, '-e', script],
    port: 20_000,
    env: process.env,
    onOutput: (_stream, chunk) => sink.write(chunk),
  })
  apps.push(app)
  expect(await within(10_000, 'exited', app.exited)).toEqual({ code: 0, signal: null })
  await until('all output has been counted', () => out.writableLength + sink.droppedBytes === total)
  expect(out.writableLength).toBeLessThanOrEqual(MAX_BUFFERED_OUTPUT_BYTES)
  expect(out.writableLength).toBeGreaterThan(MAX_BUFFERED_OUTPUT_BYTES / 2)
}, 15_000)

test('survives EPIPE: drops everything once the reader of the pipe is gone', async () => {
  const reader = spawn('/bin/sh', ['-c', 'exec <&-'], { stdio: ['pipe', 'ignore', 'ignore'] })
  const sink = passThrough(() => reader.stdin)
  await new Promise((resolve) => reader.once('exit', resolve))
  const chunk = Buffer.alloc(1000)
  sink.write(chunk)
  await until('dropping', () => {
    sink.write(chunk)
    return sink.droppedBytes > 0
  })
  const before = sink.droppedBytes
  sink.write(chunk)
  expect(sink.droppedBytes).toBe(before + chunk.length)
})

test('survives EPIPE on the stdout of the linker itself', async () => {
  const { folder, remove } = await compileApp('output.ts')
  try {
    const program = `
      import { passThrough } from ${JSON.stringify(join(folder, 'output.js'))}
      const sink = passThrough(() => process.stdout)
      const timer = setInterval(() => {
        sink.write(Buffer.from('lost'))
        if (sink.droppedBytes < 12) return
        clearInterval(timer)
        console.error('still here')
      }, 5)`
    const stdio = ['ignore', 'pipe', 'pipe'] as const
    const linker = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: [...stdio] })
    linker.stdout?.destroy()
    let printed = ''
    linker.stderr?.on('data', (chunk) => {
      printed += chunk
    })
    const code = new Promise((resolve) => linker.once('close', resolve))
    expect(await within(10_000, 'exited', code)).toBe(0)
    expect(printed).toBe('still here\n')
  } finally {
    remove()
  }
}, 30_000)

test('drops instead of failing when writing throws at once', () => {
  const out = new Writable()
  out.write = () => {
    throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
  }
  const sink = passThrough(() => out)
  sink.write(Buffer.from('12'))
  sink.write(Buffer.from('345'))
  expect(sink.droppedBytes).toBe(5)
})
