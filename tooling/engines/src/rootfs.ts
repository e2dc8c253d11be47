import { execFileSync } from 'node:child_process'
import { chmodSync, copyFileSync, cpSync, mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { copyWithDependencies } from './packages.ts'

const APPLETS = ['sh', 'cat', 'echo', 'env', 'false', 'kill', 'ls', 'sleep', 'test', 'true', 'wget']

/** Puts a shell and a few commands into /bin of an image. */
export function addBusybox(rootfs: string): void {
  for (const folder of ['bin', 'etc', 'tmp']) mkdirSync(join(rootfs, folder), { recursive: true })
  chmodSync(join(rootfs, 'tmp'), 0o1777)
  copyFileSync('/bin/busybox', join(rootfs, 'bin/busybox'))
  for (const applet of APPLETS) symlinkSync('busybox', join(rootfs, 'bin', applet))
}

/** Puts this very Node at /bin/node of an image, with the libraries that it needs, where it looks for them. */
export function addNode(rootfs: string): void {
  addProgram(rootfs, process.execPath, '/bin/node')
}

/** Puts a program of this machine somewhere into an image, with the libraries that it needs. */
export function addProgram(rootfs: string, from: string, to: string): void {
  const program = realpathSync(from)
  const libraries = [...execFileSync('ldd', [program], { encoding: 'utf8' }).matchAll(/(\/\S+) \(0x/g)].map(
    ([, path]) => path,
  )
  for (const library of libraries) add(rootfs, library, library)
  add(rootfs, program, to)
}

/** Puts a file or a folder of this machine somewhere into an image. */
export function add(rootfs: string, from: string, to: string): void {
  const target = join(rootfs, to)
  mkdirSync(dirname(target), { recursive: true })
  cpSync(from, target, { recursive: true, dereference: true })
}

const LINKER = fileURLToPath(new URL('../../../packages/linker', import.meta.url))

/** Puts the linker's command, as it was built last, at /bin/brxy-link of an image that has Node. */
export function addLinker(rootfs: string): void {
  // Whatever the command loads is among it, however it is bundled.
  for (const name of ['package.json', 'bin', 'dist']) add(rootfs, join(LINKER, name), `/brxy/${name}`)
  writeFileSync(join(rootfs, 'bin/brxy-link'), '#!/bin/sh\nexec /bin/node /brxy/bin/brxy-link "$@"\n', {
    mode: 0o755,
  })
}

const BRXY = fileURLToPath(new URL('../../../apps/brxy', import.meta.url))

/** Puts the whole command at /bin/brxy of an image that has Node. */
export function addBrxy(rootfs: string): void {
  copyWithDependencies(BRXY, join(rootfs, 'brxy'))
  writeFileSync(join(rootfs, 'bin/brxy'), '#!/bin/sh\nexec /bin/node /brxy/bin/brxy "$@"\n', { mode: 0o755 })
}
