/**
 * Asks the sandbox. What it refuses is an error with its own words.
 *
 * @param {string} method
 * @param {string} path
 * @param {{ body?: unknown, headers?: Record<string, string> }} [request]
 * @returns {Promise<unknown>} the JSON of the answer; `undefined` when there is none
 */
export async function ask(method, path, { body, headers } = {}) {
  const response = await fetch(path, {
    method,
    headers: { ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  const json = text === '' ? undefined : JSON.parse(text)
  if (!response.ok)
    throw new Error(json?.detail ?? json?.message ?? `It answered ${response.status}.`)
  return json
}
