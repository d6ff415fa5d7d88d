// Compiled, not run: every client that redisStore takes, with the types of its own package.
import * as ioredis6 from 'ioredis'
import * as ioredis5 from 'ioredis-5'
import * as iovalkey from 'iovalkey'
import { redisStore } from 'passport-tyntec-otp'
import * as redis6 from 'redis'
import * as redis5 from 'redis-5'

const nodes = [{ host: 'localhost', port: 6379 }]
const rootNodes = [{ url: 'redis://localhost' }]

redisStore(new ioredis6.Redis())
redisStore(new ioredis6.Redis({ replyMapping: 'resp3' }))
redisStore(new ioredis6.Redis({ name: 'main', sentinels: nodes }))
redisStore(new ioredis6.Cluster(nodes))

redisStore(new ioredis5.Redis())
redisStore(new ioredis5.Cluster(nodes))

redisStore(new iovalkey.Redis())
redisStore(new iovalkey.Cluster(nodes))

redisStore(redis6.createClient())
redisStore(redis6.createClient({ RESP: 2 }))
redisStore(redis6.createClient().withTypeMapping({ [redis6.RESP_TYPES.BLOB_STRING]: Buffer }))
redisStore(redis6.createClientPool())
redisStore(redis6.createCluster({ rootNodes }))
redisStore(redis6.createSentinel({ name: 'main', sentinelRootNodes: nodes }))

redisStore(redis5.createClient())
redisStore(redis5.createClient({ RESP: 3 }))
redisStore(redis5.createClientPool())
redisStore(redis5.createCluster({ rootNodes }))
redisStore(redis5.createSentinel({ name: 'main', sentinelRootNodes: nodes }))

// @ts-expect-error the client, not its URL
redisStore('redis://localhost')
// @ts-expect-error a client, not its pipeline
redisStore(new ioredis6.Redis().pipeline())
// @ts-expect-error a client, not its transaction
redisStore(redis6.createClient().multi())
