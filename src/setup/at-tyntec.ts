import { OtpError } from '../errors.js'
import type { TyntecClient } from '../tyntec/index.js'
import { type Finding, findInApplication, findInFailure, type Settings } from './findings.js'

/** Asks tyntec for an application, and compares it with what the app is told to do. Sends nothing. */
export async function findAtTyntec(
  { applications }: Pick<TyntecClient, 'applications'>,
  settings: Settings,
  applicationId = 'default',
): Promise<Finding[]> {
  return orFailure(async () => {
    // The list tells an account without the API from an application that isn't there.
    await applications.list()
    return [...findInApplication(await applications.read(applicationId), settings)]
  })
}

/** What is found, or what the failure to ask means. */
export async function orFailure(find: () => Promise<Finding[]>): Promise<Finding[]> {
  try {
    return await find()
  } catch (error) {
    if (error instanceof OtpError) return [findInFailure(error)]
    throw error
  }
}
