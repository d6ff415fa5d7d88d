import { describe, expect, test } from 'vitest'
import { createBreaker } from '../../src/carriers/breaker.js'

/** A breaker with a clock of its own, and calls about so many different numbers. `away`: one about nobody fails too. */
function setup({ away = true } = {}) {
  let now = 1_000_000
  const breaker = createBreaker(() => now)
  let asked = 0
  const tell = (about: string, failed: boolean, scouting?: boolean) => {
    if (!breaker.tell(about, failed, scouting)) return
    asked += 1
    breaker.settle(away)
  }
  return {
    breaker,
    pass: (seconds: number) => void (now += seconds * 1000),
    asked: () => asked,
    one: tell,
    tell(count: number, failed: boolean, kind = String(failed)) {
      for (let index = 0; index < count; index++) tell(`${kind} ${index}`, failed)
    },
  }
}

describe('a breaker', () => {
  test.each([
    { failed: 9, answered: 11, state: 'closed' },
    { failed: 10, answered: 10, state: 'open' },
    { failed: 19, answered: 0, state: 'closed' },
    { failed: 20, answered: 0, state: 'open' },
    { failed: 49, answered: 51, state: 'closed' },
    { failed: 50, answered: 50, state: 'open' },
  ])(
    'is $state after $failed of $failed + $answered have failed',
    ({ failed, answered, state }) => {
      const { breaker, tell } = setup()
      tell(answered, false)
      tell(failed, true)
      expect(breaker.state).toBe(state)
    },
  )

  test('looks at the latest call about each', () => {
    const { breaker, tell, one } = setup()
    tell(19, true, 'person')
    tell(19, false, 'person')
    for (let calls = 0; calls < 1000; calls++) one('one destination', true)
    expect(breaker.state).toBe('closed')
    tell(9, true, 'person')
    expect(breaker.state).toBe('open')
  })

  test('forgets a call after ten seconds', () => {
    const { breaker, tell, pass } = setup()
    tell(19, true)
    pass(10)
    tell(1, true, 'the last')
    expect(breaker.state).toBe('open')

    const later = setup()
    later.tell(19, true)
    later.pass(10.001)
    later.tell(1, true, 'the last')
    expect(later.breaker.state).toBe('closed')
  })

  test('rests for five seconds, and one call then decides', () => {
    const { breaker, tell, pass, one } = setup()
    tell(20, true)
    pass(4.999)
    // What comes to an end meanwhile began before.
    tell(100, false)
    expect(breaker.state).toBe('open')
    pass(0.001)
    expect(breaker.state).toBe('trial')
    one('one', true)
    expect(breaker.state).toBe('open')
    pass(5)
    one('one', false)
    expect(breaker.state).toBe('closed')
    // It begins anew: what has failed before the rest is over.
    tell(19, true)
    expect(breaker.state).toBe('closed')
  })

  test('is closed before its time by one who need not wait, and by nobody else', () => {
    const { breaker, tell, pass, one } = setup()
    tell(20, true)
    pass(1)
    one('a call that began before', false)
    expect(breaker.state).toBe('open')
    one('one that need not wait', false, true)
    expect(breaker.state).toBe('closed')
  })

  test('rests no longer because of one who need not wait', () => {
    const { breaker, tell, pass, one } = setup()
    tell(20, true)
    pass(4.9)
    for (let calls = 0; calls < 30; calls += 1) one(`known ${calls}`, true, true)
    pass(0.1)
    expect(breaker.state).toBe('trial')
  })

  // proves: LOCK-8
  test('stays closed while a call about nobody is answered, and asks for one in twenty failures', () => {
    const { breaker, tell, asked } = setup({ away: false })
    for (let round = 0; round < 10; round += 1) tell(20, true, `round ${round}`)
    expect(breaker.state).toBe('closed')
    expect(asked()).toBe(10)
  })

  // proves: LOCK-8
  test('rests no longer for a step that failed by whom it was about', () => {
    const { breaker, tell, pass } = setup()
    tell(20, true)
    pass(5)
    expect(breaker.tell('a destination', true)).toBe(true)
    expect(breaker.state).toBe('open')
    breaker.settle(false)
    expect(breaker.state).toBe('closed')
  })

  test('rests as long as ever when a call about nobody ends late', () => {
    const { breaker, tell, pass } = setup()
    tell(20, true)
    pass(4)
    breaker.settle(true)
    pass(1)
    expect(breaker.state).toBe('trial')
  })

  test('looks at a thousand at the most, and the oldest go', () => {
    const { breaker, tell } = setup()
    tell(5000, false, 'long ago')
    tell(499, true)
    expect(breaker.state).toBe('closed')
    tell(500, true)
    expect(breaker.state).toBe('open')
  })
})
