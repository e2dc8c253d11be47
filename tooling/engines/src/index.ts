export { type DaemonCommand, startDaemon, stopDaemons, untilReady } from './daemons.ts'
export { ENGINE_NAMES, type Engine, type EngineName, type Log } from './engine.ts'
export { engine } from './engines.ts'
export { whyNot } from './required.ts'
