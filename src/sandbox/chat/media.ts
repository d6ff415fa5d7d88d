import { randomUUID } from 'node:crypto'

export interface MediaFile {
  bytes: Buffer
  contentType: string
}

export interface MediaShelf {
  /** Gives its id. */
  add(file: MediaFile): string
  find(mediaId: string): MediaFile | undefined
  clear(): void
}

const capacity = 100

/** What people have sent to an app, to be downloaded by it. */
export function createMediaShelf(): MediaShelf {
  const files = new Map<string, MediaFile>()
  return {
    add(file) {
      const mediaId = randomUUID()
      files.set(mediaId, file)
      if (files.size > capacity) files.delete(files.keys().next().value ?? '')
      return mediaId
    },
    find: (mediaId) => files.get(mediaId),
    clear: () => files.clear(),
  }
}
