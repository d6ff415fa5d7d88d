import { declareValuePlugin, PluginKind } from '@stryker-mutator/api/plugin'

/*
 * A plugin of Stryker. What an error says is for the operator, and another wording is no fault, so
 * these texts are not mutated. All other texts are: statuses, keys, codes and names of events.
 */

const messageAt = {
  Error: 0,
  TypeError: 0,
  OtpError: 1,
  badAnswer: 0,
  misuse: 0,
  refused: 0,
  unavailable: 0,
}

const operatorTexts = {
  shouldIgnore({ node, parent, key, listKey }) {
    const text = node.type === 'StringLiteral' || node.type === 'TemplateLiteral'
    if (!text || listKey !== 'arguments' || messageAt[parent.callee?.name] !== key) return undefined
    return 'the text of an error'
  },
}

export const strykerPlugins = [
  declareValuePlugin(PluginKind.Ignore, 'operator-texts', operatorTexts),
]
