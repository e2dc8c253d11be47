export { SocketWriter, type WritableSocket, type WriterOwner } from './socket-writer.ts'
export { TimerWheel, WheelTimer } from './timer-wheel.ts'
export { type CorkableSocket, type MessageSocket, Tunnel, type TunnelOptions } from './tunnel.ts'
