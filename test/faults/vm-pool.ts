/** Some VMs, each with a repository of its own, lent to one test at a time. One that a test fails on is replaced by a new one. */
import { Lab } from "./lab";
import type { Source } from "./source";
import type { Vm } from "./vm";

export interface Lease {
  vm: Vm;
  source: Source;
}

export class VmPool {
  private readonly free: Lease[] = [];
  private readonly waiting: ((lease: Lease) => void)[] = [];
  private made = 0;

  private constructor(private readonly lab: Lab) {}

  static async open(size: number): Promise<VmPool> {
    const pool = new VmPool(await Lab.open());
    await Promise.all(Array.from({ length: size }, async () => pool.free.push(await pool.make())));
    return pool;
  }

  private async make(): Promise<Lease> {
    const name = `vm-${++this.made}`;
    const source = await this.lab.source();
    return { vm: await this.lab.vm(name, source), source };
  }

  async use<T>(test: (lease: Lease) => Promise<T>): Promise<T> {
    const lease = this.free.pop() ?? (await new Promise<Lease>((resolve) => this.waiting.push(resolve)));
    try {
      const result = await test(lease);
      this.give(lease);
      return result;
    } catch (error) {
      const journal = await lease.vm.journal().catch(String);
      await this.lab.remove(lease.vm.name);
      this.give(await this.make());
      throw new Error(`${lease.vm.name}: ${String(error)}\n${journal}`, { cause: error });
    }
  }

  /** The same for every VM, at once, when no test has any. */
  async each(test: (lease: Lease) => Promise<void>): Promise<void> {
    await Promise.all(this.free.map(test));
  }

  private give(lease: Lease): void {
    const next = this.waiting.shift();
    if (next === undefined) this.free.push(lease);
    else next(lease);
  }

  close(): Promise<void> {
    return this.lab.close();
  }
}
