import { expect, onTestFinished, test } from 'vitest'
import { openConnection } from '../inputs/connection.js'
import { setupApp } from '../support/app.js'

/*
 * A content type without a body can be sent by anybody, so it tells an operator nothing of parsers.
 */

test.each(['express 5', 'koa 3'] as const)(
  'a type of nothing is the mistake of its sender, on %s',
  async (framework) => {
    const app = await setupApp({ framework })
    const connection = openConnection(Number(new URL(app.base).port))
    onTestFinished(() => connection.close())
    for (const type of ['application/json', 'application/x-www-form-urlencoded']) {
      // Without a length: clients that are made for HTTP don't do that.
      const request = `POST /login/send HTTP/1.1\r\nhost: x\r\ncontent-type: ${type}\r\n\r\n`
      const answer = await connection.send(Buffer.from(request), false)
      expect([answer.status, JSON.parse(answer.body).code]).toEqual([400, 'number_required'])
    }
    expect(app.events.filter(({ type }) => type === 'error')).toEqual([])
  },
)
