/** Which VM belongs to which wave. Pure. */

/** A wave with its members, in the order in which waves are approved. `timeout` is in seconds. */
export interface Wave {
  name: string;
  vms: string[];
  maxFailures: number;
  timeout: number;
}

/** A wave as people write it: its VMs by name, or `rest` for all that no other wave names. */
export interface WrittenWave {
  name: string;
  vms?: string[] | undefined;
  rest?: true | undefined;
  maxFailures: number;
  timeout: number;
}

export interface Assignment {
  waves: Wave[];
  /** VM → wave. */
  waveOf: Record<string, string>;
  mistakes: string[];
}

/** Gives each VM its wave; every VM must be in exactly one, and every wave must have one. */
export function assignWaves(written: readonly WrittenWave[], vms: readonly string[]): Assignment {
  const mistakes: string[] = [];
  const waveOf: Record<string, string> = {};
  written.forEach((wave, index) => {
    const path = `waves[${index}]`;
    if (written.findIndex(({ name }) => name === wave.name) !== index)
      mistakes.push(`${path}.name: "${wave.name}" is there twice; names of waves are unique`);
    if ((wave.vms === undefined) === (wave.rest === undefined))
      mistakes.push(`${path}: "${wave.name}" must have either vms (names) or rest: true`);
    for (const name of wave.vms ?? []) {
      const other = waveOf[name];
      if (!vms.includes(name)) mistakes.push(`${path}.vms: "${name}" is no VM of this fleet`);
      else if (other !== undefined) mistakes.push(`${path}.vms: "${name}" is in wave "${other}" already`);
      waveOf[name] = wave.name;
    }
  });
  const takers = written.filter(({ rest }) => rest);
  if (takers.length > 1)
    mistakes.push(
      `waves: only one wave may have rest: true, not ${takers.map(({ name }) => `"${name}"`).join(" and ")}`,
    );
  const left = vms.filter((name) => waveOf[name] === undefined);
  const [taker] = takers;
  if (taker) for (const name of left) waveOf[name] = taker.name;
  else
    for (const name of left)
      mistakes.push(`waves: "${name}" is in no wave; name it in one, or give one wave rest: true`);

  const waves = written.map(({ name, maxFailures, timeout }) => ({
    name,
    maxFailures,
    timeout,
    vms: vms.filter((vm) => waveOf[vm] === name),
  }));
  written.forEach((wave, index) => {
    const empty = wave.rest ? left.length === 0 : wave.vms?.length === 0;
    if (empty) mistakes.push(`waves[${index}]: "${wave.name}" has no VM; give it one or remove it`);
  });
  return { waves, waveOf, mistakes };
}
