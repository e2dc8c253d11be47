import { expect, it } from 'vitest'
import { Random } from '../random.ts'
import { EventQueue, type Task } from './event-queue.ts'

function task(atMs: number, order: number): Task {
  return { atMs, order, process: null, label: '', run() {}, ifStopped: null, isCancelled: false }
}

it('gives what is to happen by its time, and what comes together in the order in which it was planned', () => {
  const random = new Random(1)
  const queue = new EventQueue()
  const tasks = Array.from({ length: 500 }, (_, order) => task(random.below(20), order))
  for (const each of tasks) queue.push(each)
  const expected = [...tasks].sort((a, b) => a.atMs - b.atMs || a.order - b.order)
  expect(tasks.map(() => queue.pop())).toEqual(expected)
  expect(queue.pop()).toBeNull()
})

it('takes in more while it gives', () => {
  const queue = new EventQueue()
  queue.push(task(5, 1))
  queue.push(task(1, 2))
  expect(queue.pop()?.atMs).toBe(1)
  queue.push(task(3, 3))
  queue.push(task(5, 4))
  expect([queue.pop(), queue.pop(), queue.pop()].map((each) => each?.order)).toEqual([3, 1, 4])
})
