// Takes what the browser loads of the sandbox's inbox into the build, as it is: it runs there as it
// runs from the sources. Part of `npm run build`.
import { cp } from 'node:fs/promises'

await cp('src/sandbox/inbox/client', 'dist/src/sandbox/inbox/client', {
  recursive: true,
  filter: (path) => !path.endsWith('.json'),
})
