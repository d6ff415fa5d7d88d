import { type Asking, orNone } from './asking.js'
import { isObject, json } from './body.js'
import type { SmsMessage, SmsParameters, SmsPart } from './entities.js'
import { failure } from './statuses.js'
import { badAnswer } from './failures.js'
import { exactText, integer, listOf, objectOf, readFields, text } from './fields.js'
import { isId, type Kinds, segment, toBody, toQuery } from './requests.js'
import type { Answer } from './transport.js'

/** Calls to `/messaging/v1`: a text to a phone. Each is sent once, for a repeated one is a second message. */
export interface SmsCalls {
  /**
   * Sends a text. Whether the answer's `status` is final is tyntec's to say: ask `status` later.
   *
   * `POST /messaging/v1/sms` (Sends SMS via POST HTTP method)
   */
  send(parameters: SmsParameters): Promise<SmsMessage>
  /**
   * The same, with number and text in the address, which proxies and servers write down: `send` is the
   * better one wherever it can be used.
   *
   * `GET /messaging/v1/sms` (Sends SMS via GET HTTP method)
   */
  sendByGet(parameters: SmsParameters): Promise<SmsMessage>
  /**
   * What has become of a text, or nothing when tyntec doesn't know it. It knows one for three months.
   *
   * `GET /messaging/v1/messages/{requestId}` (Get status of a message)
   */
  status(requestId: string): Promise<SmsMessage | undefined>
}

export function createSmsCalls({ ask }: Asking): SmsCalls {
  return {
    async send(parameters) {
      const body = toBody(parameters, kinds, ['to', 'from', 'message'])
      return ask({ method: 'POST', path: sms, body }, accepted)
    },
    async sendByGet(parameters) {
      const query = toQuery(parameters, kinds, ['to', 'from', 'message'])
      return ask({ method: 'GET', path: sms, query }, accepted)
    },
    async status(requestId) {
      const path = `/messaging/v1/messages/${segment('requestId', requestId)}`
      return ask(
        { method: 'GET', path, repeatable: true },
        orNone((answer) => {
          const message = parseMessage(answer)
          if (message.requestId !== requestId) throw badAnswer('it is about another requestId')
          return message
        }),
      )
    },
  }
}

const sms = '/messaging/v1/sms'

const kinds: Kinds<SmsParameters> = {
  to: 'text',
  from: 'text',
  message: 'text',
  encoding: 'text',
  gateway: 'text',
  conversion: 'flag',
  sendDateTime: 'text',
  validity: 'text',
  reference: 'text',
  callbackUrl: 'text',
  callbackMethod: 'text',
  partLimit: 'number',
  trate: 'number',
  mrate: 'number',
  upperCased: 'flag',
  keepEmojis: 'flag',
  flash: 'flag',
}

function accepted(answer: Answer): SmsMessage {
  if (answer.status !== 200 && answer.status !== 201) throw failure(answer)
  return parseMessage(answer)
}

const readPart = objectOf<SmsPart>({
  partId: text,
  deliveryState: text,
  statusText: text,
  errorCode: text,
  price: text,
  currency: text,
  priceEffective: text,
  sentDate: text,
  doneDate: text,
})

function parseMessage(answer: Answer): SmsMessage {
  const value = json(answer)
  if (!isObject(value)) throw badAnswer('it is not a message')
  const message = readFields<SmsMessage>(value, {
    requestId: exactText,
    status: exactText,
    to: text,
    from: text,
    reference: text,
    size: integer,
    parts: listOf(readPart),
    errorCode: text,
    errorReason: text,
    href: exactText,
    mccmnc: text,
    ttid: text,
    submitDate: text,
    sentDate: text,
    doneDate: text,
    priceEffective: text,
  })
  const { requestId } = message
  if (!isId(requestId)) throw badAnswer('it has no valid requestId')
  return Object.assign(message, { requestId })
}
