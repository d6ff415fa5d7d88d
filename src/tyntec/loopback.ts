/** Whether a host, as a URL has it, is this machine. */
export function isLoopback(hostname: string): boolean {
  // The URL parser has already turned every spelling of an IPv4 address into four numbers.
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname)
}
