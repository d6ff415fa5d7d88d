import type { FlowRef } from '../secrets/secrets.js'

/*
 * What records are called, without the store's prefix. What stands in braces decides the hash slot on a
 * Cluster: a flow lies with its number, an address with its network, and everybody's records lie together.
 */

export function numberKey(tag: string): string {
  return `{${tag}}:number`
}

export function flowKey({ number, flow }: FlowRef): string {
  return `{${number}}:flow:${flow}`
}

/** An address: an IPv4 address or an IPv6 /64, in the network `site` where there is one. */
export function addressKey(tag: string, site: string | undefined): string {
  return site === undefined ? `address:{${tag}}` : `address:{${site}}:${tag}`
}

export function siteKey(site: string): string {
  return `site:{${site}}`
}

export const appKey = '{all}:app'

export function countryKey(country: string): string {
  return `{all}:country:${country}`
}

export function rangeKey(tag: string): string {
  return `{all}:range:${tag}`
}
