import type { Answer } from '../api/answer.js'
import { jsonAnswer } from '../api/answer.js'
import type { ApiCall, OperationTable } from '../api/operation.js'
import { missing, type Problem } from '../api/parameters.js'
import { type Application, type Applications, toApplicationEntity } from './applications.js'
import { readBody, readQuery, reservedName } from './settings.js'
import { hasPlaceholder, type TemplateChannel, templateKey } from './templates.js'

/** The seven operations of tyntec's 2FA Application Service. */
export function applicationOperations(applications: Applications): OperationTable {
  const entity = (application: Application) => jsonAnswer(200, toApplicationEntity(application))

  /** Runs `perform` on the application of the path. `bare`: the reference lists its 404 without a body. */
  const withApplication =
    (perform: (application: Application, call: ApiCall) => Answer, bare = false) =>
    (call: ApiCall): Answer => {
      const application = applications.find(call.accountId, call.ids[0] ?? '')
      if (application) return perform(application, call)
      const hint = 'GET /2fa/v1/application/ lists the applications of this key.'
      return call.refuse(404, { message: 'The id for this application is not valid', hint }, bare)
    }

  function create(call: ApiCall): Answer {
    const settings = readBody(call.body)
    if ('message' in settings) return call.refuse(400, settings)
    const application = applications.create(call.accountId, settings)
    return application ? entity(application) : call.refuse(400, tooMany)
  }

  function edit(application: Application, call: ApiCall): Answer {
    const changes = readQuery(call.given)
    if ('message' in changes) return call.refuse(400, changes)
    // The default application keeps its name, and may be told it.
    if (changes.name === 'default' && !applications.isDefault(application)) {
      return call.refuse(400, reservedName)
    }
    if (applications.isDefault(application) && (changes.name ?? 'default') !== 'default') {
      return call.refuse(400, {
        message: 'The default application keeps its name',
        hint: 'Leave name out.',
      })
    }
    Object.assign(application, changes)
    return entity(application)
  }

  function remove(application: Application, call: ApiCall): Answer {
    return applications.delete(application)
      ? entity(application)
      : call.refuse(403, { message: 'Forbidden', hint: 'The default application stays.' }, true)
  }

  function setTemplate(application: Application, call: ApiCall): Answer {
    const key = readKey(call)
    if (typeof key !== 'string') return call.refuse(400, key)
    const text = call.given.get('text')
    if (text === undefined) return call.refuse(400, missing('text'))
    if (!hasPlaceholder(text)) {
      return call.refuse(400, {
        message: 'Placeholder {{OTP}} is missing in text',
        hint: 'Put {{OTP}} in text; {{SEC}} is the validity in seconds.',
      })
    }
    application.templates.set(key, text)
    return entity(application)
  }

  function deleteTemplate(application: Application, call: ApiCall): Answer {
    const key = readKey(call)
    if (typeof key !== 'string') return call.refuse(400, key)
    if (key === 'en') {
      return call.refuse(400, {
        message: "Template for 'en' can not be deleted",
        hint: 'It is the one that is used when a language has none.',
      })
    }
    if (application.templates.delete(key)) return entity(application)
    const known = [...application.templates.keys()].join(', ')
    return call.refuse(
      404,
      { message: 'Language does not exist', hint: `There is ${known}.` },
      true,
    )
  }

  return {
    'application.list': {
      perform: (call) =>
        jsonAnswer(200, applications.list(call.accountId).map(toApplicationEntity)),
    },
    'application.create': { body: true, perform: create },
    'application.get': { perform: withApplication(entity, true) },
    'application.edit': {
      parameters: [
        'name',
        'pinLength',
        'alphaNumeric',
        'attempts',
        'expire',
        'sender',
        'caller',
        'deleteCaller',
      ],
      perform: withApplication(edit),
    },
    'application.delete': { perform: withApplication(remove) },
    'application.set-template': {
      parameters: ['language', 'text', 'channel'],
      perform: withApplication(setTemplate),
    },
    'application.delete-template': {
      parameters: ['language', 'channel'],
      perform: withApplication(deleteTemplate, true),
    },
  }
}

const tooMany: Problem = {
  message: 'Too many applications',
  hint: 'The sandbox keeps 1000 for each key. Delete some, or POST /_sandbox/reset.',
}

function readKey({ given }: ApiCall): string | Problem {
  const language = given.get('language')
  if (language === undefined) return missing('language')
  const channel = given.get('channel')
  const known = channels.find((candidate) => candidate === channel)
  if (channel !== undefined && known === undefined) {
    return { message: 'Invalid parameter channel', hint: 'channel is SMS or VOICE.' }
  }
  return templateKey(language.toLowerCase(), known)
}

const channels: readonly TemplateChannel[] = ['SMS', 'VOICE']
