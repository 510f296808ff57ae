/** Some VMs, each with a repository of its own, lent to one test at a time. One that a test fails on is replaced by a new one. */
import { Lab } from "./lab";
import type { Source } from "./source";
import type { Vm } from "./vm";

export interface Bed {
  vm: Vm;
  source: Source;
}

export class Ward {
  private readonly free: Bed[] = [];
  private readonly waiting: ((bed: Bed) => void)[] = [];
  private made = 0;

  private constructor(private readonly lab: Lab) {}

  static async open(beds: number): Promise<Ward> {
    const ward = new Ward(await Lab.open());
    await Promise.all(Array.from({ length: beds }, async () => ward.free.push(await ward.make())));
    return ward;
  }

  private async make(): Promise<Bed> {
    const name = `vm-${++this.made}`;
    const source = await this.lab.source();
    return { vm: await this.lab.vm(name, source), source };
  }

  async use<T>(test: (bed: Bed) => Promise<T>): Promise<T> {
    const bed = this.free.pop() ?? (await new Promise<Bed>((resolve) => this.waiting.push(resolve)));
    try {
      const result = await test(bed);
      this.give(bed);
      return result;
    } catch (error) {
      const journal = await bed.vm.journal().catch(String);
      await this.lab.remove(bed.vm.name);
      this.give(await this.make());
      throw new Error(`${bed.vm.name}: ${String(error)}\n${journal}`, { cause: error });
    }
  }

  private give(bed: Bed): void {
    const next = this.waiting.shift();
    if (next === undefined) this.free.push(bed);
    else next(bed);
  }

  close(): Promise<void> {
    return this.lab.close();
  }
}
