import { testModel } from './model.js'
import { subject } from './subject.js'
import { timedMemory } from './timed.js'

testModel('memory', 0.8, async () => () => timedMemory(subject))
