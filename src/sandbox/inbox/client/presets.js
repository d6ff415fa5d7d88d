/** What goes wrong most often, each as one or two faults. */
export const presets = [
  {
    name: 'Messages get lost',
    about: 'tyntec takes the call, and no message comes.',
    faults: [{ operation: '*', kind: 'drop-message' }],
  },
  {
    name: 'Messages fail',
    about: 'The delivery fails, and tyntec says so.',
    faults: [{ operation: '*', kind: 'fail-message' }],
  },
  {
    name: 'Messages come twice',
    about: 'The phone gets each message two times.',
    faults: [{ operation: '*', kind: 'duplicate-message' }],
  },
  {
    name: 'Outage',
    about: 'Every call gets a 503.',
    faults: [{ operation: '*', kind: 'status', status: 503 }],
  },
  {
    name: 'One call in three fails',
    about: 'With a 500, by chance.',
    faults: [{ operation: '*', kind: 'status', status: 500, probability: 0.33 }],
  },
  {
    name: 'Slow',
    about: 'Every answer comes 3 seconds late.',
    faults: [{ operation: '*', kind: 'delay', ms: 3000 }],
  },
  {
    name: 'No answer',
    about: 'Calls hang until your app gives up.',
    faults: [{ operation: '*', kind: 'hang' }],
  },
  {
    name: 'Answers get lost',
    about: 'tyntec does the work, and the connection breaks before the answer.',
    faults: [{ operation: '*', kind: 'reset', when: 'after' }],
  },
  {
    name: 'Wrong key',
    about: 'Sends get a 401.',
    faults: [{ operation: 'otp.send', kind: 'status', status: 401 }],
  },
  {
    name: 'Too many requests',
    about: 'A 429 to wait 7 seconds for. tyntec documents none.',
    faults: [{ operation: '*', kind: 'status', status: 429, headers: { 'Retry-After': '7' } }],
  },
  {
    name: 'Gateway page',
    about: 'HTML with a 502 where JSON should be.',
    faults: [{ operation: '*', kind: 'html' }],
  },
  {
    name: 'Next send fails',
    about: 'One 500, then everything works again.',
    faults: [{ operation: 'otp.send', kind: 'status', status: 500, times: 1 }],
  },
]
