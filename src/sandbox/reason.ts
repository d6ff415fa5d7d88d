/** Why something went otherwise than usual, for a person who waits for a message. */
export interface Reason {
  /**
   * - `magic`: the number is a magic one.
   * - `fault`: a fault that was set on the control routes.
   * - `landline`: an SMS can't reach a landline.
   * - `channel`: the phone does not have this channel.
   * - `late`: the message is on its way and comes later.
   * - `validity`: the time in which it was to be delivered ran out.
   */
  why: 'magic' | 'fault' | 'landline' | 'channel' | 'late' | 'validity'
  /** A sentence in English, to be shown as it is. */
  text: string
}
