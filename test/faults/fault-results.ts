/** The table that the suite ends with: every fault, how often it was tried, and how often the VM came through. */

export class FaultResults {
  private readonly rows = new Map<string, { tried: number; survived: number }>();

  /** Counts one try of a fault; what it throws goes to the caller. */
  async count<T>(fault: string, attempt: () => Promise<T>): Promise<T> {
    const row = this.rows.get(fault) ?? { tried: 0, survived: 0 };
    this.rows.set(fault, row);
    row.tried++;
    const result = await attempt();
    row.survived++;
    return result;
  }

  table(): string {
    const width = Math.max(...[...this.rows.keys()].map((fault) => fault.length), "fault".length);
    const line = (fault: string, tried: string, survived: string) =>
      `${fault.padEnd(width)}  ${tried.padStart(5)}  ${survived.padStart(8)}`;
    return [
      line("fault", "tried", "survived"),
      ...[...this.rows].map(([fault, { tried, survived }]) => line(fault, String(tried), String(survived))),
    ].join("\n");
  }
}
