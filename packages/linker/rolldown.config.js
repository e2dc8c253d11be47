import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

// Every cold start waits for the command: as one file before the application is spawned and one behind it, it loads in a
// third of the time that a hundred modules take. What is imported as a library is not bundled.
const license = readFileSync(
  createRequire(import.meta.url)
    .resolve('ws/package.json')
    .replace('package.json', 'LICENSE'),
  'utf8',
)

export default {
  input: { main: 'dist/main.js', cli: 'dist/cli.js' },
  platform: 'node',
  // Speed-ups that ws takes where they are installed.
  external: ['bufferutil', 'utf-8-validate'],
  output: {
    dir: 'dist',
    format: 'esm',
    entryFileNames: 'bundle-[name].js',
    chunkFileNames: 'bundle-[name].js',
    // All that is there before the application is spawned; what is loaded later shares it.
    codeSplitting: { groups: [{ name: 'start', test: /[\\/]dist[\\/]cli\.js$/ }] },
    postBanner: ({ name }) => (name === 'linker' ? `/*! Contains ws.\n${license}*/` : ''),
  },
}
