import { EdgeProcess, expectNoLeftovers } from '@brxy-tooling/testkit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { linked, nodeApp } from './apps.ts'
import { ConfigFile, launched } from './config-file.ts'

let file: ConfigFile
let edge: EdgeProcess

beforeEach(() => {
  file = new ConfigFile()
})

afterEach(async () => {
  await edge.close()
  file.remove()
  await expectNoLeftovers()
})

async function start(apps: Record<string, object>): Promise<void> {
  file.set(apps)
  edge = await EdgeProcess.start({ file: file.path })
}

async function change(apps: Record<string, object>): Promise<void> {
  file.set(apps)
  edge.signal('SIGHUP')
  await edge.event('reloaded')
}

/** Leaves after 300 ms without work, if it may. */
const scaler = launched(linked(nodeApp('serial'), ['--idle', '300ms']))
const of = (name: string) => (event: object) => (event as { app?: string }).app === name

/** Another app with the same idle time has come after them and left: so they would have, too. */
async function whileAnotherLeaves(): Promise<void> {
  expect((await edge.ask('/', { host: 'other.test' })).status).toBe(200)
  expect(await edge.event('left', of('other'))).toMatchObject({ reason: 'idle' })
}

const other = { hosts: ['other.test'], scaler }

describe('min', () => {
  it('keeps so many running: started unasked, kept when idle, replaced when lost, let go when it is lowered', async () => {
    await start({ shop: { hosts: ['shop.test'], min: 2, scaler }, other })
    await edge.event('ready', of('shop'), 2)
    expect(edge.matching('launching')).toMatchObject([
      { app: 'shop', held: 0 },
      { app: 'shop', held: 0 },
    ])
    await whileAnotherLeaves()
    expect(edge.matching('left', of('shop'))).toEqual([])
    process.kill(await edge.linkerPid(1), 'SIGKILL')
    expect(await edge.event('left', of('shop'))).toMatchObject({ reason: 'lost' })
    await edge.event('ready', of('shop'), 3)
    await change({ shop: { hosts: ['shop.test'], min: 1, scaler }, other })
    expect(await edge.event('left', of('shop'), 2)).toMatchObject({ reason: 'idle' })
    const [shop] = (await edge.status()).apps
    expect(shop.instances.length).toBe(1)
    expect(edge.matching('left', of('shop')).length).toBe(2)
  })

  it('of a reload starts what is missing, and 0 lets the last one go', async () => {
    await start({ shop: { scaler } })
    await change({ shop: { min: 1, scaler } })
    await edge.event('ready')
    file.set({ shop: { min: 0, scaler } })
    edge.signal('SIGHUP')
    expect(await edge.event('left')).toMatchObject({ reason: 'idle' })
    expect(edge.matching('launching').length).toBe(1)
  })
})

/** The cron of this minute in a time zone. */
function cronOfNow(timeZone: string): string {
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    hour: 'numeric',
    minute: 'numeric',
    hourCycle: 'h23',
  })
  const { hour, minute } = Object.fromEntries(
    parts.formatToParts().map(({ type, value }) => [type, Number(value)]),
  )
  return `${minute} ${hour} * * *`
}

describe('keepWarm', () => {
  it('keeps instances running in a window that is open in its time zone, and none in one that is not', async () => {
    // The other zone is three and a half hours ahead, all year.
    const cron = cronOfNow('Asia/Kolkata')
    const warm = (tz: string) => ({ hosts: [`${tz}.test`], keepWarm: [{ cron, for: '10m', tz }], scaler })
    await start({
      open: { ...warm('Asia/Kolkata'), hosts: ['open.test'] },
      shut: { ...warm('Asia/Tokyo'), hosts: ['shut.test'] },
      other,
    })
    await edge.event('ready', of('open'))
    await whileAnotherLeaves()
    expect(edge.matching('launching', of('open')).length).toBe(1)
    expect(edge.matching('launching', of('shut'))).toEqual([])
    expect(edge.matching('left', of('open'))).toEqual([])
    await change({ open: { hosts: ['open.test'], scaler }, other })
    expect(await edge.event('left', of('open'))).toMatchObject({ reason: 'idle' })
  })

  it('opens again and again, with its own min', async () => {
    await start({ shop: { keepWarm: [{ cron: '* * * * *', for: '2m', min: 2 }], scaler } })
    await edge.event('ready', undefined, 2)
    expect((await edge.status()).apps[0].instances.length).toBe(2)
    expect(edge.matching('launching').length).toBe(2)
  })
})
