const secondsPer: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** A duration of at least a second, in the form of a setting: whole numbers with their units. */
export const durationPattern = /^(?=.*[1-9])(\d{1,9}[smhd])+$/;

/**
 * Seconds in a duration as people write it: `90s`, `20m`, `1h30m`, or a plain number of seconds.
 * Undefined if the text is not a duration.
 */
export function parseDuration(text: string): number | undefined {
  if (/^\d{1,9}$/.test(text)) {
    return Number(text);
  }
  if (!/^(\d{1,9}[smhd])+$/.test(text)) {
    return undefined;
  }
  const parts = [...text.matchAll(/(\d+)([smhd])/g)];
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * (secondsPer[unit ?? "s"] ?? 1), 0);
}

/** Seconds as people read them, in at most two units: `45 s`, `12 min`, `1 h 30 min`, `3 d 4 h`. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) {
    return `${whole} s`;
  }
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) {
    const rest = whole % 60;
    return minutes < 5 && rest > 0 ? `${minutes} min ${rest} s` : `${minutes} min`;
  }
  const hours = Math.floor(minutes / 60);
  if (hours < 24) {
    return minutes % 60 > 0 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
  }
  return hours % 24 > 0 ? `${Math.floor(hours / 24)} d ${hours % 24} h` : `${Math.floor(hours / 24)} d`;
}
