/** Forms of values that the stack's settings and the tool's options both take. */
export const shapes = {
  /** Names of fleets, stacks and waves. They are parts of a metadata key, in which `--` separates them. */
  keyPart: /^(?=.{1,30}$)[a-z0-9]+(-[a-z0-9]+)*$/,
  project: /^([a-z0-9.]+:)?[a-z][-a-z0-9]{4,28}[a-z0-9]$/,
  region: /^[a-z]+-[a-z]+[0-9]+$/,
  /** Compute's rule for a resource's name (RFC 1035). */
  computeName: /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/,
  bucket: /^[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]$/,
  /** An image or a family: a name, a path or a link. */
  image: /^[a-z0-9]([-a-z0-9.:/]*[a-z0-9])?$/,
  /** Who gets access. */
  member: /^(user|group):[^@\s:]+@[^@\s:]+\.[^@\s:]+$/,
  /** A repository's URL, as VMs clone it. */
  repository: /^(https?|ssh|git):\/\/[^\s-]\S*$|^[A-Za-z0-9_][\w.-]*@[A-Za-z0-9][\w.-]*:\S+$/,
} as const;
