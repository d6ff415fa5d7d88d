/** Where a part of the sandbox tells what happens in it. */
export interface Emits<Happening> {
  /** `happened` runs only when somebody reads the event, and then tells of the state at that time. */
  emit(happened: () => Happening): void
}
