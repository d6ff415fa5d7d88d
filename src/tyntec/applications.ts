import { type Asking, orNone } from './asking.js'
import { isObject, json, own, text } from './body.js'
import type {
  Application,
  ApplicationChanges,
  ApplicationParameters,
  TemplateParameters,
} from './entities.js'
import { failure, notFound } from './statuses.js'
import { badAnswer, misuse } from './failures.js'
import { exactText, flag, integer, readFields, text as anyText, texts } from './fields.js'
import { readList } from './lists.js'
import { type Kinds, segment, toBody, toQuery } from './requests.js'
import type { Answer, Call } from './transport.js'

/**
 * Calls to `/2fa/v1/application`: how codes look, how long they hold and what the messages say. An id is the
 * UUID that tyntec gives, or `default` for the application that every account has.
 */
export interface ApplicationCalls {
  /** `GET /2fa/v1/application/` (Returns all applications created) */
  list(): Promise<Application[]>
  /**
   * What is not given gets tyntec's default. The name may not be `default`.
   *
   * `POST /2fa/v1/application/` (Creates a 2fa application)
   */
  create(parameters?: ApplicationParameters): Promise<Application>
  /**
   * The application, or nothing when tyntec doesn't know it.
   *
   * `GET /2fa/v1/application/{applicationId}` (Get a 2fa application)
   */
  read(applicationId: string): Promise<Application | undefined>
  /**
   * Changes what is given and nothing else.
   *
   * `POST /2fa/v1/application/{applicationId}` (Edit a 2fa application)
   */
  edit(applicationId: string, changes: ApplicationChanges): Promise<Application>
  /**
   * Codes that were sent with it can be neither resent nor checked from then on. The default one can't be
   * deleted. Tells whether there was something to delete.
   *
   * `DELETE /2fa/v1/application/{applicationId}` (Delete a 2fa application)
   */
  delete(applicationId: string): Promise<boolean>
  /**
   * Codes that were sent before can be neither resent nor checked from then on, says the reference.
   *
   * `POST /2fa/v1/application/{applicationId}/language` (Add or update a language template)
   */
  setTemplate(applicationId: string, template: TemplateParameters): Promise<Application>
  /**
   * `en` can't be deleted. Tells whether there was something to delete.
   *
   * `DELETE /2fa/v1/application/{applicationId}/language` (Delete a language template)
   */
  deleteTemplate(
    applicationId: string,
    template: Pick<TemplateParameters, 'language' | 'channel'>,
  ): Promise<boolean>
}

export function createApplicationCalls({ ask, guard, transport }: Asking): ApplicationCalls {
  return {
    async list() {
      const found: Application[] = []
      const call: Call = { method: 'GET', path: all, repeatable: true }
      const take = (item: unknown) => found.push(parseApplication(item)) > 0
      await guard(() =>
        readList(transport.ask, call, take, (answer) => {
          throw answer.status === 404 ? notFound(answer) : failure(answer)
        }),
      )
      return found
    },
    async create(parameters = {}) {
      const body = toBody(parameters, parameterKinds)
      return ask({ method: 'POST', path: all, body }, saved)
    },
    async read(applicationId) {
      return ask(
        { method: 'GET', path: pathOf(applicationId), repeatable: true },
        orNone((answer) => about(parseApplication(json(answer)), applicationId)),
      )
    },
    async edit(applicationId, changes) {
      const query = toQuery(changes, changeKinds)
      if (query.size === 0) throw misuse('No change is given.')
      return ask({ method: 'POST', path: pathOf(applicationId), query }, (answer) =>
        about(saved(answer), applicationId),
      )
    },
    async delete(applicationId) {
      // tyntec answers it as it answers a refused account.
      if (applicationId === 'default') throw misuse('The default application can not be deleted.')
      return ask({ method: 'DELETE', path: pathOf(applicationId) }, deleted)
    },
    async setTemplate(applicationId, template) {
      const query = toQuery(template, templateKinds, ['language', 'text'])
      return ask({ method: 'POST', path: `${pathOf(applicationId)}/language`, query }, (answer) =>
        about(saved(answer), applicationId),
      )
    },
    async deleteTemplate(applicationId, template) {
      const query = toQuery(template, { language: 'text', channel: 'text' }, ['language'])
      return ask({ method: 'DELETE', path: `${pathOf(applicationId)}/language`, query }, deleted)
    },
  }
}

/** The slash at its end is the reference's. */
const all = '/2fa/v1/application/'

const parameterKinds: Kinds<ApplicationParameters> = {
  name: 'text',
  alphanumeric: 'flag',
  attempts: 'number',
  expire: 'number',
  pinLength: 'number',
  sender: 'text',
  caller: 'text',
}

const changeKinds: Kinds<ApplicationChanges> = {
  name: 'text',
  pinLength: 'number',
  alphaNumeric: 'flag',
  attempts: 'number',
  expire: 'number',
  sender: 'text',
  caller: 'text',
  deleteCaller: 'flag',
}

const templateKinds: Kinds<TemplateParameters> = { language: 'text', text: 'text', channel: 'text' }

function pathOf(applicationId: string): string {
  return `${all}${segment('applicationId', applicationId)}`
}

function saved(answer: Answer): Application {
  if (answer.status === 404) throw notFound(answer)
  if (answer.status !== 200 && answer.status !== 201) throw failure(answer)
  return parseApplication(json(answer))
}

function deleted(answer: Answer): boolean {
  if (answer.status === 204) return true
  if (answer.status === 404) return false
  if (answer.status !== 200) throw failure(answer)
  // The status is the answer, as long as it is tyntec's, which a page of HTML is not.
  if (text(answer) !== '') json(answer)
  return true
}

function about(application: Application, applicationId: string): Application {
  const { applicationId: given } = application
  if (given !== undefined && applicationId !== 'default' && given !== applicationId) {
    throw badAnswer('it is about another application')
  }
  return application
}

function parseApplication(value: unknown): Application {
  if (!isObject(value)) throw badAnswer('it is not an application')
  // Something of it has to be there: any other object would be an application without settings.
  const names = ['applicationId', 'name', 'pinLength', 'attempts', 'expire']
  if (names.every((name) => own(value, name) === undefined)) {
    throw badAnswer('it is not an application')
  }
  return readFields<Application>(value, {
    applicationId: exactText,
    accountId: exactText,
    name: anyText,
    alphanumeric: flag,
    attempts: integer,
    expire: integer,
    pinLength: integer,
    sender: anyText,
    caller: anyText,
    created: integer,
    template: texts,
  })
}
