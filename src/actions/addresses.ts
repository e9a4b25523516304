/**
 * Which addresses an action may connect to: none of this machine, of private networks, or of a cloud's metadata, unless headgate.yaml says so. The
 * address that is connected to is looked at, not the name.
 */
import { BlockList, isIP } from 'node:net';

/** https://www.iana.org/assignments/iana-ipv4-special-registry and -ipv6-special-registry (read 2026-11). Metadata services are link-local, but for Alibaba's and Oracle's. */
const PRIVATE_V4 = [
  ['0.0.0.0', 8], ['10.0.0.0', 8], ['100.64.0.0', 10], ['127.0.0.0', 8], ['169.254.0.0', 16], ['172.16.0.0', 12], ['192.0.0.0', 24], ['192.0.2.0', 24],
  ['192.88.99.0', 24], ['192.168.0.0', 16], ['198.18.0.0', 15], ['198.51.100.0', 24], ['203.0.113.0', 24], ['224.0.0.0', 4], ['240.0.0.0', 4],
  ['168.63.129.16', 32],
] as const;
/** `64:ff9b::/96` and `::ffff:0:0/96` hold IPv4 addresses and are looked at as such; `2002::/16` (6to4) and `2001::/32` (Teredo) may lead to any. */
const PRIVATE_V6 = [
  ['::', 128], ['::1', 128], ['64:ff9b:1::', 48], ['100::', 64], ['2001::', 23], ['2001:db8::', 32], ['2002::', 16], ['3fff::', 20], ['5f00::', 16], ['fc00::', 7], ['fe80::', 10], ['fec0::', 10], ['ff00::', 8],
] as const;

const blocked = new BlockList();
for (const [net, bits] of PRIVATE_V4) blocked.addSubnet(net, bits, 'ipv4');
for (const [net, bits] of PRIVATE_V6) blocked.addSubnet(net, bits, 'ipv6');

/** True when the address is none of the public internet's; also for what is no address at all. */
export function isPrivate(address: string): boolean {
  const bare = address.replace(/^\[|\]$/g, '').replace(/%.*$/, '');
  const family = isIP(bare);
  if (family === 0) return true;
  if (family === 4) return blocked.check(bare, 'ipv4');
  const embedded = embeddedV4(bare);
  return embedded === undefined ? blocked.check(bare, 'ipv6') : blocked.check(embedded, 'ipv4');
}

/** The IPv4 address in a mapped, compatible or translated one. */
function embeddedV4(address: string): string | undefined {
  const groups = groupsOf(address);
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, high = 0, low = 0] = groups;
  const mapped = a === 0 && b === 0 && c === 0 && d === 0 && (e === 0 || e === 0xffff) && (f === 0xffff || (f === 0 && e === 0));
  // ::ffff:0:a.b.c.d is the form of RFC 2765.
  const translated = (a === 0x64 && b === 0xff9b && c === 0 && d === 0 && e === 0 && f === 0) || (a === 0 && b === 0 && c === 0 && d === 0 && e === 0xffff && f === 0);
  if (!mapped && !translated) return undefined;
  if (mapped && f === 0 && high === 0 && low <= 1) return undefined;
  return [high >> 8, high & 0xff, low >> 8, low & 0xff].join('.');
}

/** The eight groups of an IPv6 address. */
function groupsOf(address: string): number[] {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address);
  const text = dotted ? `${dotted[1] ?? ''}${hex(dotted[2], dotted[3])}:${hex(dotted[4], dotted[5])}` : address;
  const [head = '', tail] = text.split('::');
  const left = parts(head);
  const right = tail === undefined ? [] : parts(tail);
  return [...left, ...Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => 0), ...right];
}

const parts = (text: string): number[] => (text === '' ? [] : text.split(':').map((group) => parseInt(group, 16)));
const hex = (high = '0', low = '0'): string => (Number(high) * 256 + Number(low)).toString(16);
