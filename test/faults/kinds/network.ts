/** Networks and servers that are away, hang, or answer nonsense. */
import { type Fault, damage, failed } from "../fault";

const metadata = "ip daddr 169.254.169.254 tcp dport 80";
const inFilter = (rule: string) =>
  `nft 'add table ip lab; add chain ip lab out { type filter hook output priority 0; }; add rule ip lab out ${rule}'`;
const unfilter = "nft delete table ip lab";

export const network: Fault[] = [
  {
    name: "network cut at the bridge",
    inject: async ({ vm }) => {
      await vm.cutNetwork();
      return () => vm.restoreNetwork();
    },
    reports: [],
    recovery: "automatic",
    offline: true,
  },
  {
    name: "no network at boot",
    inject: async ({ vm }) => {
      await vm.cutNetwork();
      await vm.powerOff();
      await vm.recovered();
      return () => vm.restoreNetwork();
    },
    reports: [],
    recovery: "automatic",
    offline: true,
  },
  {
    name: "metadata server that does not answer",
    inject: damage(inFilter(`${metadata} drop`), unfilter),
    reports: [],
    recovery: "automatic",
    offline: true,
  },
  {
    name: "metadata server that refuses",
    inject: damage(inFilter(`${metadata} reject with tcp reset`), unfilter),
    reports: [],
    recovery: "automatic",
    offline: true,
  },
  {
    name: "git server that accepts and hangs",
    inject: ({ source }) => source.hang(),
    reports: [failed("fetch")],
    recovery: "automatic",
    offline: true,
  },
  {
    name: "git server that refuses",
    inject: ({ source }) => source.refuse(),
    reports: [failed("fetch")],
    recovery: "automatic",
    offline: true,
  },
  {
    name: "branch that was deleted",
    inject: async ({ source }) => {
      await source.removeBranch();
      return undefined;
    },
    reports: [failed("fetch")],
  },
  {
    name: "empty repository",
    inject: ({ source }) => source.empty(),
    reports: [failed("fetch")],
  },
  {
    name: "history that was rewritten",
    inject: async ({ source }) => {
      const good = await source.head();
      await source.startNewHistory();
      return () => source.reset(good);
    },
    reports: [failed("verify")],
  },
];
