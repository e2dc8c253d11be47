// A brxy scaler for runit: each launch is a service folder of its own, with a runsv of its own.
import { execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const BRAND = Symbol.for('brxy.error')

export default function runit(_options, host) {
  let isClosed = false
  return {
    app(route, { command } = {}) {
      if (
        !Array.isArray(command) ||
        command.length === 0 ||
        !command.every((word) => typeof word === 'string')
      )
        throw failure(
          'options/invalid',
          'command: must be a list of texts, such as [brxy, link, --, node, app.js]',
        )
      // Owners and routes may hold any character; a hash of them is a legal name, and a different one.
      const services = join(host.stateDir, hash(host.owner), hash(route))
      const check = (signal) => {
        if (isClosed) throw failure('scaler/closed', 'the runit scaler was closed')
        if (signal.aborted) throw failure('scaler/aborted', 'the call was aborted')
      }
      const observe = async (signal) => {
        check(signal)
        const ids = await readdir(services).catch(ifAbsent([]))
        return (await Promise.all(ids.map((id) => look(join(services, id), id)))).filter(Boolean)
      }
      const scale = async ({ start, remove }, signal) => {
        for (const { id, env } of start) {
          check(signal)
          await begin(services, id, command, env)
        }
        for (const { id } of remove) await end(join(services, id))
        return observe(signal)
      }
      return {
        launches: 'named',
        leave: 'exit',
        scale: (target, signal) => scale(target, signal).catch(unusable),
        observe: (signal) => observe(signal).catch(unusable),
      }
    },
    // Every runsv goes on by itself.
    async close() {
      isClosed = true
    },
  }
}

/** Starts a launch, unless its folder is there: then somebody has. */
async function begin(services, id, command, env) {
  const folder = join(services, id)
  await mkdir(services, { recursive: true, mode: 0o700 })
  const isNew = await mkdir(folder).then(
    () => true,
    (error) => (error.code === 'EEXIST' ? false : Promise.reject(error)),
  )
  if (!isNew) return
  const lines = Object.entries(env).map(([name, value]) => `export ${name}=${quote(value)}`)
  const exec = `exec ${command.map(quote).join(' ')}`
  await script(join(folder, 'run'), ['exec 2>stderr', ...lines, `cd ${quote(process.cwd())}`, exec])
  // $1 is its exit status, or -1. With "exit" runsv does not start it again, and ends.
  await script(join(folder, 'finish'), ['echo "$1" >status.new', 'mv status.new status', 'exec sv exit .'])
  detached('runsv', [folder])
}

/** What there is of a launch; undefined if it went meanwhile. */
async function look(folder, id) {
  const made = await stat(folder).catch(ifAbsent(undefined))
  if (made === undefined) return undefined
  const instance = { id, launch: id, since: Math.round(made.birthtimeMs) }
  const status = await readFile(join(folder, 'status'), 'utf8').catch(ifAbsent(undefined))
  if (status?.trim() === '0') return { ...instance, state: 'ended' }
  if (status !== undefined) {
    const stderr = (await readFile(join(folder, 'stderr'), 'utf8').catch(() => '')).trim().slice(-4_096)
    const message = `it ended with status ${status.trim()}: ${stderr || 'it wrote nothing to stderr'}`
    return { ...instance, state: 'ended', problem: { code: 'crashed', message, final: true } }
  }
  const isUp = await run('sv', ['status', folder]).then(
    ({ stdout }) => /^(run|finish)/.test(stdout),
    () => false,
  )
  return { ...instance, state: isUp ? 'running' : 'starting' }
}

/** SIGTERM, and SIGKILL after 45 s, for requests that run. Nobody waits for it: it is listed until it is gone. */
async function end(folder) {
  const isFirst = await writeFile(join(folder, 'going'), '', { flag: 'wx' }).then(
    () => true,
    (error) => (['EEXIST', 'ENOENT'].includes(error.code) ? false : Promise.reject(error)),
  )
  if (isFirst) detached('sh', ['-c', 'sv -w 45 force-shutdown "$1"; rm -rf "$1"', 'sh', folder])
}

/** A process that outlives the edge, and gets nothing of the edge's own. */
function detached(program, args) {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('BRXY_')))
  const child = spawn(program, args, { detached: true, stdio: 'ignore', env })
  // A program that is not there: the launch stays "starting", and the edge gives it up at its startTimeout.
  child.on('error', () => {})
  child.unref()
}

function script(path, lines) {
  return writeFile(path, `${['#!/bin/sh', ...lines].join('\n')}\n`, { mode: 0o700 })
}

function quote(word) {
  return `'${word.replaceAll("'", `'\\''`)}'`
}

function hash(text) {
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}

/** For what is not there. Whatever cannot be looked at may well be there: then nothing can be concluded. */
function ifAbsent(value) {
  return (error) => (error.code === 'ENOENT' ? value : Promise.reject(error))
}

/** The call is rejected, with an error that says what brxy can make of it. */
function unusable(error) {
  throw error[BRAND] ? error : failure('scaler/state', error.message)
}

/** brxy knows its errors by this brand, whoever made them. */
function failure(code, message) {
  return Object.assign(new Error(message), { code, [BRAND]: true })
}
