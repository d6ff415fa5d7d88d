// When vitest itself is killed, its workers lose their channel to it but finish their test first,
// and the servers that the test started live as long. Not `process.exit`: vitest replaces it.
process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'))
