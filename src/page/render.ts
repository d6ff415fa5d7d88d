import type { PageState } from './state.js'
import { codeStep, endedStep, numberStep, signedInStep } from './steps.js'
import type { PageView } from './view.js'

/** A whole page. */
export function renderPage(view: PageView, state: PageState): string {
  switch (state.step) {
    case 'number':
      return numberStep(view, state)
    case 'code':
      return codeStep(view, state)
    case 'ended':
      return endedStep(view, state)
    case 'signed-in':
      return signedInStep(view)
  }
}
