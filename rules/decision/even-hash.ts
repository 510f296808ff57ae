/**
 * FNV-1a and MurmurHash3's last steps: evenly spread over 32 bits. Node's cryptography is not used, since it takes a tenth of the agent's
 * start.
 */
export function evenHash(text: string): number {
  let value = 0x811c9dc5;
  for (const character of text) value = Math.imul(value ^ (character.codePointAt(0) ?? 0), 0x01000193);
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}
