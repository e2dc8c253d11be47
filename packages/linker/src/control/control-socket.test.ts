import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ControlTarget } from './control-request.ts'
import { ControlSocket } from './control-socket.ts'
import { leaveStale } from './stale.testkit.ts'

let folder: string
let path: string
const open: ControlSocket[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'brxy-control-'))
  path = join(folder, 'link.sock')
})
afterEach(() => {
  for (const control of open.splice(0)) control.close()
  rmSync(folder, { recursive: true })
})

async function opened(at = path): Promise<ControlSocket> {
  const control = await ControlSocket.open(at)
  open.push(control)
  return control
}

const failure = (at = path) => ControlSocket.open(at).catch((error: Error) => error)

class Slots implements ControlTarget {
  slots = 1
  get slotState() {
    return { slots: this.slots, lent: 1, busy: 0, lingering: 0 }
  }
  setSlots(slots: number): void {
    this.slots = slots
  }
}

function ask(
  method: string,
  body = '',
  socketPath = path,
): Promise<{ status?: number; type?: string; text: string }> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path: '/slots', method, agent: false }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        text += chunk
      })
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, type: response.headers['content-type'] ?? '', text }),
      )
    })
    asked.on('error', reject)
    asked.end(body)
  })
}

describe('a control socket', () => {
  it('is for its user only, answers, and is gone when it is closed', async () => {
    const control = await opened()
    const slots = new Slots()
    control.attach(slots)
    expect(control.path).toBe(path)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(await ask('PUT', '4')).toEqual({ status: 200, type: 'application/json', text: '{"slots":4}\n' })
    expect(slots.slots).toBe(4)
    expect((await ask('GET')).text).toBe('{"slots":4,"lent":1,"busy":0,"lingering":0}\n')
    expect(await ask('PUT', 'four')).toMatchObject({ status: 400, type: 'application/problem+json' })
    control.close()
    expect(existsSync(path)).toBe(false)
  })

  it('lets those wait that ask before there is a linker', async () => {
    const control = await opened()
    const answer = ask('PUT', '4')
    const slots = new Slots()
    control.attach(slots)
    expect((await answer).status).toBe(200)
    expect(slots.slots).toBe(4)
  })

  it('reads no more of a body than it takes', async () => {
    const control = await opened()
    const slots = new Slots()
    control.attach(slots)
    expect((await ask('PUT', `${' '.repeat(1_023)}4`)).status).toBe(200)
    expect((await ask('PUT', `${' '.repeat(1_024)}4`)).status).toBe(413)
  })

  it('gets a name of its own in a folder', async () => {
    const control = await opened(folder)
    expect(control.path).toBe(join(folder, `brxy-${process.pid}.sock`))
    control.attach(new Slots())
    expect((await ask('GET', '', control.path)).status).toBe(200)
  })

  it('replaces what a linker has left that was killed', async () => {
    await leaveStale(path)
    expect(statSync(path).isSocket()).toBe(true)
    const control = await opened()
    control.attach(new Slots())
    expect((await ask('GET')).status).toBe(200)
  })

  it('replaces nothing that somebody uses', async () => {
    const control = await opened()
    control.attach(new Slots())
    expect(await failure()).toMatchObject({
      code: 'link/control',
      message: `the control socket ${path} belongs to another process, which listens on it; give --control another path, or a folder, in which each instance makes a socket of its own`,
    })
    expect((await ask('GET')).status).toBe(200)
  })

  it('replaces no file', async () => {
    writeFileSync(path, 'mine')
    expect(await failure()).toMatchObject({
      code: 'link/control',
      message: expect.stringContaining('exists and is no socket'),
    })
    expect(statSync(path).isFile()).toBe(true)
  })

  it('cannot be where there is no folder, nor have an endless path', async () => {
    expect(await failure(join(folder, 'none/link.sock'))).toMatchObject({
      code: 'link/control',
      exitStatus: 69,
      message: expect.stringMatching(/cannot be made \((ENOENT|EACCES)\)/),
    })
    const long = join(folder, 'x'.repeat(108))
    expect(await failure(long)).toMatchObject({ message: expect.stringContaining('has more than 107 bytes') })
  })
})
