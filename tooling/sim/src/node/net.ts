// What `node:net` is inside a simulation. What is not replaced is Node's own.
export * from 'node:net'
export { createServer, Server } from './server.ts'
export { connect, connect as createConnection, SimSocket as Socket } from './socket.ts'
