/** open(2): a descriptor that only names a place and needs no right to read; Node does not export it (Linux value). */
export const openPathOnly = 0o10000000;

/** The path that stands for what an open descriptor of this process names. */
export function descriptorPath(descriptor: number): Buffer {
  return Buffer.from(`/proc/self/fd/${descriptor}`);
}
