import { basename, dirname } from 'node:path'
import { eventually, expectNoLeftovers, Systemd } from '@brxy-tooling/testkit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { codeBlocks } from './markdown.ts'
import { ROOT, read } from './tree.ts'

const TIMEOUT_MS = 120_000

/** Where each file of the example belongs, as its first lines say. */
const FILES: Readonly<Record<string, string>> = {
  '/etc/systemd/system/brxy-edge.service': 'brxy-edge.service',
  '/etc/systemd/system/shop@.service': 'shop@.service',
  '/etc/sysusers.d/brxy.conf': 'brxy.conf',
  '/etc/brxy/brxy.yaml': 'brxy.yaml',
  '/etc/brxy/units': 'units',
  '/etc/polkit-1/rules.d/50-brxy.rules': '50-brxy.rules',
}
/** What a reader brings, brxy and an application, and what makes the tests short. */
const OWN: Readonly<Record<string, string>> = {
  '/usr/local/bin/node': `#!/bin/sh\nexec /opt/node/${basename(process.execPath)} "$@"\n`,
  '/usr/local/bin/brxy': '#!/bin/sh\nexec node /opt/brxy/apps/brxy/bin/brxy "$@"\n',
  '/srv/shop/server.js': `
    const text = [process.pid, process.getuid() > 0, process.env.BRXY_TOKEN ?? 'no token'].join(', ')
    require('node:http').createServer((_, answer) => answer.end(text)).listen(process.env.PORT)`,
  '/etc/systemd/system/shop@.service.d/test.conf': '[Service]\nEnvironment=BRXY_IDLE=2s\n',
}

const lack = Systemd.lack()

describe.skipIf(lack !== undefined)(
  `examples/systemd${lack === undefined ? '' : ` (skipped: ${lack})`}`,
  { timeout: TIMEOUT_MS },
  () => {
    let systemd: Systemd
    beforeEach(async () => {
      systemd = new Systemd()
      const examples = Object.entries(FILES).map(([path, name]) => [path, read(`examples/systemd/${name}`)])
      const folders = { '/opt/brxy': ROOT, '/opt/node': dirname(process.execPath) }
      await systemd.boot({ ...Object.fromEntries(examples), ...OWN }, folders)
    }, TIMEOUT_MS)
    afterEach(async () => {
      await systemd.close()
      await expectNoLeftovers()
    })

    /** Runs words, divided by spaces, beside it. */
    const run = (words: string) => systemd.run(words.split(' '))
    const sh = (script: string) => systemd.run(['sh', '-c', script])
    const instances = async () => {
      const { stdout } = await run('systemctl list-units --all --plain --no-legend --no-pager shop@*')
      return stdout.split('\n').filter((line) => line !== '')
    }
    const untilItListens = () =>
      eventually('the edge listens', async () => (await run('curl -s localhost:9081/healthz')).code === 0)
    /** So that a busy machine, on which a request waits, is no reason for a second instance. */
    const atMostOne = () => sh("sed -i 's/^  shop:$/  shop:\\n    max: 1/' /etc/brxy/brxy.yaml")
    const start = async () => {
      expect(await run('systemctl start brxy-edge')).toMatchObject({ code: 0, stderr: '' })
      await untilItListens()
    }
    const ask = async () => (await run('curl -s --max-time 60 localhost')).stdout
    const show = async (name: string) => (await run(`systemctl show -P ${name} brxy-edge`)).stdout.trim()

    it('has units that systemd finds nothing wrong with, and that are shut off well', async () => {
      const verified = await run('systemd-analyze verify brxy-edge.service shop@0123.service')
      expect(verified).toMatchObject({ code: 0, stdout: '', stderr: '' })
      // 10 is a unit that says nothing.
      for (const [unit, tenths] of [
        ['brxy-edge.service', 20],
        ['shop@0123.service', 35],
      ]) {
        const { code, stdout } = await run(
          `systemd-analyze security --no-pager --threshold=${tenths} ${unit}`,
        )
        expect(code, stdout).toBe(0)
      }
    })

    it('starts an instance as a unit for a request, which ends when it is idle and leaves nothing', async () => {
      await atMostOne()
      await start()
      expect(await instances()).toEqual([])
      expect(await ask(), systemd.output).toMatch(/^\d+, true, no token$/)
      expect(await instances()).toEqual([
        expect.stringMatching(/^shop@[0-9a-f]{20}\.service +loaded +active +running/),
      ])
      await eventually('it has left', async () => (await instances()).length === 0)
      expect((await sh('ls /run/brxy/')).stdout).toBe('')
      expect(await ask()).toMatch(/true/)
    })

    it('waits for an instance that systemd starts only after another unit', async () => {
      await atMostOne()
      await sh(`
        printf '[Service]\\nType=oneshot\\nExecStart=/bin/sleep 3\\n' >/etc/systemd/system/database.service
        printf '[Unit]\\nWants=database.service\\nAfter=database.service\\n' >/etc/systemd/system/shop@.service.d/after.conf
        systemctl daemon-reload`)
      await start()
      expect(await ask(), systemd.output).toMatch(/true/)
    })

    it('does not take systemd that cannot be asked for systemd that runs nothing', async () => {
      const observe = (...settings: string[]) =>
        run(['runuser -u brxy -- env BRXY_ROUTE=shop', ...settings, '/etc/brxy/units observe'].join(' '))
      expect(await observe()).toMatchObject({ code: 0, stdout: '' })
      expect(await run('systemctl --no-block start shop@0123')).toMatchObject({ code: 0 })
      expect(await observe()).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/^{"id":"0123",.*}\n$/),
      })
      const unanswered = await observe('DBUS_SYSTEM_BUS_ADDRESS=unix:path=/run/nobody')
      expect(unanswered).toMatchObject({ stdout: '', stderr: expect.stringContaining('connect') })
      expect(unanswered.code).not.toBe(0)
    })

    it('restarts and reloads without its instances, and refuses a wrong file', async () => {
      await atMostOne()
      await sh('sed -i s/2s/10m/ /etc/systemd/system/shop@.service.d/test.conf; systemctl daemon-reload')
      await start()
      const first = await ask()
      const edge = await show('MainPID')
      expect(await run('systemctl reload brxy-edge')).toMatchObject({ code: 0 })
      await sh('echo nonsense: 1 >>/etc/brxy/brxy.yaml')
      expect((await run('systemctl reload brxy-edge')).code).not.toBe(0)
      expect(await show('MainPID')).toBe(edge)
      expect(await ask()).toBe(first)

      await sh('sed -i /nonsense/d /etc/brxy/brxy.yaml')
      expect(await run('systemctl restart brxy-edge')).toMatchObject({ code: 0 })
      expect(await show('MainPID')).not.toBe(edge)
      await untilItListens()
      expect(await ask()).toBe(first)
      expect(await instances()).toHaveLength(1)
    })

    it('says why an instance does not start, and forgets the unit that failed', async () => {
      await sh('echo "process.exit(3)" >/srv/shop/server.js')
      await start()
      const answer = JSON.parse((await run('curl -s -H Accept:application/json localhost')).stdout)
      expect(answer).toMatchObject({ status: 503, code: 'edge/cannot-start', problem: 'crashed' })
      await eventually('nothing is left', async () => (await instances()).length === 0)
    })

    it('keeps instances that are its own processes over a restart with KillMode=process, and ends them without', async () => {
      const [yaml] = codeBlocks(read('examples/systemd/README.md')).filter(
        ({ language }) => language === 'yaml',
      )
      await systemd.run(['sh', '-c', 'printf %s "$0" >/etc/brxy/brxy.yaml', yaml.text])
      const restart = async () => {
        expect((await run('systemctl restart brxy-edge')).code).toBe(0)
        await untilItListens()
      }
      await atMostOne()
      await start()
      const first = await ask()
      expect(first).toMatch(/true/)
      await restart()
      const second = await ask()
      expect(second).not.toBe(first)
      await sh(
        'sed -i s/KillMode=mixed/KillMode=process/ /etc/systemd/system/brxy-edge.service; systemctl daemon-reload',
      )
      await restart()
      expect(await ask()).toBe(second)
    })

    it('may start and stop its instances, and nothing else', async () => {
      await start()
      const asEdge = (words: string) => run(`runuser -u brxy -- systemctl --no-ask-password ${words}`)
      for (const words of [
        'start multi-user.target',
        'stop brxy-edge',
        'start shop@../x',
        'daemon-reload',
        'kill shop@0123',
      ])
        expect((await asEdge(words)).code, words).not.toBe(0)
      expect(await asEdge('--no-block start shop@0123')).toMatchObject({ code: 0, stderr: '' })
      expect(await asEdge('stop shop@0123')).toMatchObject({ code: 0, stderr: '' })
    })
  },
)
