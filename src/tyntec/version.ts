/** The package's version, as `User-Agent` tells it. A test compares it with package.json. */
export const version = '0.1.0'
