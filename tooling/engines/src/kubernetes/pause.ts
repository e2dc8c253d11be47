import { execFile } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { PAUSE_IMAGE } from './files.ts'
import { importNodeImage } from './image.ts'
import { program } from './programs.ts'

/** What holds a pod's namespaces: it waits, and reaps. */
const SOURCE = `package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	children := make(chan os.Signal, 1)
	signal.Notify(children, syscall.SIGCHLD)
	go func() {
		for range children {
			for {
				if pid, _ := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); pid <= 0 {
					break
				}
			}
		}
	}()
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGINT, syscall.SIGTERM)
	<-end
}
`

/** Whether {@link buildPause} has nothing to do. */
export function isPauseBuilt(): boolean {
  return existsSync(program('pause'))
}

/** Builds the program of the sandbox image, if it is not there yet. */
export async function buildPause(): Promise<void> {
  if (isPauseBuilt()) return
  const file = program('pause')
  mkdirSync(dirname(file), { recursive: true })
  const scratch = mkdtempSync(join(tmpdir(), 'brxy-pause-'))
  try {
    const source = join(scratch, 'main.go')
    writeFileSync(source, SOURCE)
    const env = { ...process.env, CGO_ENABLED: '0', GO111MODULE: 'off' }
    await promisify(execFile)('go', ['build', '-o', file, source], { env, cwd: scratch })
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

/** Gives it to the node of a running engine. */
export async function importPause(dir: string): Promise<void> {
  const fill = (rootfs: string) => copyFileSync(program('pause'), join(rootfs, 'pause'))
  await importNodeImage(dir, { name: PAUSE_IMAGE, fill, config: { Entrypoint: ['/pause'] } })
}
