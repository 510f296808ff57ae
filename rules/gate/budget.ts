/** How many VMs of a wave may fail: a number, or a share of the wave in percent. */
export type Budget = { count: number } | { percent: number };

/** Reads `2` or `10%`; undefined if it is neither. */
export function parseBudget(text: string): Budget | undefined {
  const match = /^(\d{1,6})(%?)$/.exec(text);
  const value = Number(match?.[1]);
  if (match === null || (match[2] === "%" && value > 100)) {
    return undefined;
  }
  return match[2] === "%" ? { percent: value } : { count: value };
}

/** How many of `vms` may fail. A share is rounded down: 10% of five VMs is zero. */
export function allowedFailures(budget: Budget, vms: number): number {
  return "count" in budget ? budget.count : Math.floor((budget.percent * vms) / 100);
}

/** The budget as people write it. */
export function budgetText(budget: Budget): string {
  return "count" in budget ? String(budget.count) : `${budget.percent}%`;
}
