#!/usr/bin/env node
import { text } from 'node:stream/consumers'
import { main } from './run.js'

process.exitCode = await main(process.argv.slice(2), {
  env: process.env,
  out: (line) => void process.stdout.write(line),
  err: (line) => void process.stderr.write(line),
  read: () => text(process.stdin),
  ended: () =>
    new Promise<void>((resolve) => {
      process.once('SIGINT', resolve)
      process.once('SIGTERM', resolve)
    }),
})
