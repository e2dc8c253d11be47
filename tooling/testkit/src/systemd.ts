import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { eventually } from './eventually.ts'
import { hasPeer } from './peer.ts'
import { type Exit, Running, runToEnd } from './process.ts'
import { tempDir } from './temp-dir.ts'

const PROGRAM = '/usr/lib/systemd/systemd'
const NAMESPACES = ['--pid', '--mount', '--fork', '--uts', '--ipc', '--net', '--cgroup', '--kill-child']
const PROGRAMS = [
  PROGRAM,
  'systemctl',
  'systemd-analyze',
  'dbus-daemon',
  '/usr/lib/polkit-1/polkitd',
  'unshare',
  'nsenter',
  'setpriv',
]

/** Units that it has beside those of a test. None of the machine's own are known to it. */
const UNITS: Readonly<Record<string, string>> = {
  'test.target': '[Unit]\nDefaultDependencies=no\nRequires=dbus.socket\n',
  'sysinit.target': '[Unit]\nDefaultDependencies=no\n',
  'basic.target': '[Unit]\nDefaultDependencies=no\n',
  'multi-user.target': '[Unit]\n',
  'network-online.target': '[Unit]\n',
  'shutdown.target': '[Unit]\nDefaultDependencies=no\n',
  'dbus.socket': '[Unit]\nDefaultDependencies=no\n[Socket]\nListenStream=/run/dbus/system_bus_socket\n',
  'dbus.service':
    '[Unit]\nDefaultDependencies=no\nRequires=dbus.socket\n[Service]\nType=notify\nNotifyAccess=main\nExecStart=/usr/bin/dbus-daemon --system --address=systemd: --nofork --nopidfile --systemd-activation\n',
  'polkit.service':
    '[Unit]\nDefaultDependencies=no\n[Service]\nType=dbus\nBusName=org.freedesktop.PolicyKit1\nExecStart=/usr/lib/polkit-1/polkitd --no-debug\n',
}

/**
 * A real systemd, as process 1 of namespaces of its own: it has the machine's programs, and neither its units, its state nor
 * its network. Whatever it starts ends with it, and what it mounts and writes (below /etc, /run, /srv, /var/lib) is gone.
 */
export class Systemd {
  readonly #dir = tempDir()
  readonly #group = `brxy-systemd-${process.pid}-${Math.random().toString(36).slice(2)}`
  #process: Running | null = null
  #pid = 0

  /** Why there can be none; undefined: there can. What is not installed is a failure in CI, what is not allowed is not. */
  static lack(): string | undefined {
    for (const program of PROGRAMS) if (!hasPeer(program)) return `${program} is not installed`
    const probe = spawnSync('unshare', [...NAMESPACES, '/bin/sh', '-c', 'mount -t tmpfs tmpfs /mnt'], {
      encoding: 'utf8',
    })
    if (probe.status === 0) return undefined
    process.stderr.write(
      `SKIPPED: tests with systemd, which need to be root with namespaces: ${probe.stderr}\n`,
    )
    return 'it needs to be root with namespaces'
  }

  /**
   * Starts it, without any unit of these.
   *
   * @param files by their absolute paths, which begin with /etc/, /srv/ or /usr/local/bin/; scripts are executable
   * @param folders of the machine that are shown below /opt: `{ '/opt/brxy': '/home/me/brxy' }`
   */
  async boot(
    files: Readonly<Record<string, string>>,
    folders: Readonly<Record<string, string>>,
  ): Promise<void> {
    const { path } = this.#dir
    const units = Object.entries(UNITS).map(([name, text]) => [`/etc/systemd/system/${name}`, text])
    for (const [name, text] of [...units, ...Object.entries(files)]) {
      mkdirSync(join(path, 'files', dirname(name)), { recursive: true })
      writeFileSync(join(path, 'files', name), text, { mode: text.startsWith('#!') ? 0o755 : 0o644 })
    }
    for (const name of ['cgroup', 'own']) mkdirSync(join(path, name))
    writeFileSync(join(path, 'console'), '')
    writeFileSync(join(path, 'boot'), bootScript(path, this.#group), { mode: 0o700 })
    writeFileSync(join(path, 'init'), initScript(path, folders), { mode: 0o700 })
    // A test runner that is killed takes it along.
    this.#process = new Running('setpriv', ['--pdeathsig', 'KILL', 'unshare', '--mount', join(path, 'boot')])
    this.#pid = await eventually('process 1', () => this.#ownPid())
    await eventually('systemd', async () => {
      if (this.#process?.exit !== null) throw new Error(`systemd ended: ${this.output}`)
      return (await this.run(['systemctl', 'is-active', 'test.target'])).code === 0
    })
  }

  /** What went to its console, or to what started it. */
  get output(): string {
    return `${this.#process?.output}${readFileSync(join(this.#dir.path, 'console'), 'utf8')}`
  }

  /** Runs a command beside what it has started. */
  run(words: readonly string[]): Promise<Exit & { stdout: string; stderr: string }> {
    return runToEnd('nsenter', ['--all', '--target', `${this.#pid}`, ...words])
  }

  /** Ends it with all that it has started. */
  async close(): Promise<void> {
    this.#process?.signal('SIGKILL')
    await this.#process?.exited
    const { path, remove } = this.#dir
    // A control group goes once its processes have.
    const cleaned = async () => {
      const group = `${path}/cgroup/${this.#group}`
      const script = `mount -t cgroup2 cgroup2 ${path}/cgroup; [ ! -d ${group} ] || find ${group} -depth -type d -exec rmdir {} +`
      return (await runToEnd('unshare', ['--mount', '/bin/sh', '-c', script])).code === 0
    }
    if (this.#process !== null) await eventually('its control groups are gone', cleaned)
    remove()
  }

  /** Of its process 1, as this machine numbers it: a child of `unshare` that has become systemd. */
  #ownPid(): number | undefined {
    if (this.#process === null || this.#process.exit !== null)
      throw new Error(`it did not start: ${this.output}`)
    const { pid } = this.#process
    const [child] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ')
    return child !== '' && nameOf(child) === 'systemd' ? Number(child) : undefined
  }
}

/** What a process runs; the ones of the scripts come and go. */
function nameOf(pid: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim()
  } catch {
    return undefined
  }
}

/** Joins a control group of its own, without which systemd would move what others have started, and leaves for namespaces. */
function bootScript(path: string, group: string): string {
  return `#!/bin/sh
set -e
mount --make-rprivate /
mount -t cgroup2 cgroup2 ${path}/cgroup
mkdir ${path}/cgroup/${group}
echo $$ >${path}/cgroup/${group}/cgroup.procs
exec unshare ${NAMESPACES.join(' ')} ${path}/init
`
}

/** Covers what of the machine must not be written to, and becomes systemd. */
function initScript(path: string, folders: Readonly<Record<string, string>>): string {
  const binds = Object.entries(folders).map(
    ([to, from]) => `mkdir -p ${path}/files${to} && mount --bind ${from} ${path}/files${to}`,
  )
  return `#!/bin/sh
set -e
umask 022
mount -t tmpfs tmpfs ${path}/own
mkdir ${path}/own/etc ${path}/own/work
cp -R ${path}/files/etc/. ${path}/own/etc/
mount -t overlay overlay -o lowerdir=/etc,upperdir=${path}/own/etc,workdir=${path}/own/work /etc
mount -t tmpfs tmpfs /etc/systemd/system
cp -R ${path}/files/etc/systemd/system/. /etc/systemd/system
${binds.join('\n')}
for tree in srv opt usr/local/bin; do
  mkdir -p ${path}/files/$tree
  mount --rbind ${path}/files/$tree /$tree
done
mount --bind ${path}/console /dev/console
mount -t proc proc /proc
mount --bind /proc/sys /proc/sys
mount -o remount,bind,ro /proc/sys
mount -t tmpfs tmpfs /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
for tree in run var/lib var/cache var/log var/tmp tmp; do mount -t tmpfs -o mode=0755 tmpfs /$tree; done
chmod 1777 /tmp /var/tmp
mkdir -p /run/lock /var/lib/polkit-1
[ ! -d /etc/sysusers.d ] || systemd-sysusers /etc/sysusers.d/*.conf
exec env -i container=brxy PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin SYSTEMD_UNIT_PATH=/etc/systemd/system SYSTEMD_GENERATOR_PATH=/nonexistent \\
  ${PROGRAM} --system --unit=test.target --log-target=console --show-status=0
`
}
