/**
 * The settings as people write them, without defaults. `./scripts/docs` writes this file from the shapes that the program checks: editors
 * show no description of a type that is inferred from those.
 */
export interface FleetSettings {
  /**
   * The fleet's name, part of its labels and metadata keys. Several fleets can share a project.
   * @default `devs`
   */
  fleet?: string | undefined;
  /** The config repository as the VMs clone it: an `https`, `ssh` or `git` URL, or `user@host:path`. It holds no user name or token; those belong in `deployKey`. */
  repository: string;
  /**
   * The branch of the config repository.
   * @default `main`
   */
  branch?: string | undefined;
  /** The folder of `flake.nix`, if it is not at the top of the repository. */
  subdirectory?: string | undefined;
  /** The URL or path at which this program reads the same repository, if yours differs from that of the VMs. */
  resolveFrom?: string | undefined;
  /**
   * The clone of the config repository on every VM, for people to read.
   * @default `/etc/nixos`
   */
  directory?: string | undefined;
  /**
   * What a VM's own timers update to between rollouts: with `branch` the branch's head, with `approved` only what `pulumi up` approved.
   * @default `branch`
   */
  follow?: "branch" | "approved" | undefined;
  /** The VMs. Set either `vms` or `vmsFile`. */
  vms: {
    /** The VM's name in Compute. */
    name: string;
    /** The e-mail address of the VM's owner. With `access: owners` only the owner and the infra team may log in. */
    owner?: string | undefined;
    /** The VM's attribute in the flake's `nixosConfigurations`. By default its name. */
    host?: string | undefined;
    /** The VM's zone. By default `gcp:zone`. */
    zone?: string | undefined;
    /** The VM's machine type. By default `defaults.machineType`. */
    machineType?: string | undefined;
    /**
     * The size of the boot disk in GB. By default `defaults.diskSizeGb`.
     * From 10 to 65536.
     */
    diskSizeGb?: number | undefined;
    /** The type of the boot disk. By default `defaults.diskType`. */
    diskType?: "pd-standard" | "pd-balanced" | "pd-ssd" | "hyperdisk-balanced" | undefined;
    /** The VM's disk for `/home`, instead of `defaults.homeDisk`; `false` for none. */
    homeDisk?:
      | false
      | {
          /**
           * The size of the home disk in GB. It can grow, not shrink.
           * From 10 to 65536.
           */
          sizeGb?: number | undefined;
          /** The type of the home disk. */
          type?: "pd-standard" | "pd-balanced" | "pd-ssd" | "hyperdisk-balanced" | undefined;
        }
      | undefined;
    /** The image of a new VM. By default `defaults.image`. */
    image?: string | undefined;
    /** The homes that the VM keeps current. */
    homes?:
      | {
          /** The home's user on the VM. */
          user: string;
          /** The home's attribute in the flake's `homeConfigurations`. By default the user's name. */
          attribute?: string | undefined;
          /** The home's own repository. By default the config repository. */
          repository?: string | undefined;
          /** The branch of the home's own repository. */
          branch?: string | undefined;
        }[]
      | undefined;
    /** Labels of the VM and of its home disk, for bills, waves and schedules. They take precedence over `defaults.labels`. */
    labels?: Record<string, string> | undefined;
    /** Like the fleet's `deletionProtection`, for this VM only. */
    deletionProtection?: boolean | undefined;
  }[];
  /** The values for VMs that do not set their own. */
  defaults?:
    | {
        /**
         * The machine type.
         * @default `e2-standard-4`
         */
        machineType?: string | undefined;
        /**
         * The image of new VMs: a name, a family, or a path such as `projects/PROJECT/global/images/family/FAMILY`.
         * @default `nixos-fleet`
         */
        image?: string | undefined;
        /**
         * The size of the boot disk in GB.
         * From 10 to 65536.
         * @default `100`
         */
        diskSizeGb?: number | undefined;
        /** The type of the boot disk. By default `pd-balanced`, or `hyperdisk-balanced` if the machine type supports nothing else. */
        diskType?: "pd-standard" | "pd-balanced" | "pd-ssd" | "hyperdisk-balanced" | undefined;
        /** A disk of its own for `/home`, which outlives the VM. The profile's `nixos-fleet.homeDisk.enable` mounts it. */
        homeDisk?:
          | {
              /**
               * The size of the home disk in GB. It can grow, not shrink.
               * From 10 to 65536.
               * @default `100`
               */
              sizeGb?: number | undefined;
              /**
               * The type of the home disk.
               * @default `pd-balanced`
               */
              type?: "pd-standard" | "pd-balanced" | "pd-ssd" | "hyperdisk-balanced" | undefined;
            }
          | undefined;
        /** Labels of every VM and its home disk. */
        labels?: Record<string, string> | undefined;
      }
    | undefined;
  /**
   * Whether Compute refuses to delete the VMs. Turn it off and run `pulumi up` before you remove a VM.
   * @default `true`
   */
  deletionProtection?: boolean | undefined;
  /** Whether Pulumi also refuses to delete the VMs, already in a preview. By default the same as `deletionProtection`. In a fleet of several stacks, `false` also allows to delete what other stacks may use: network, NAT, account, cache and secrets. */
  protect?: boolean | undefined;
  /**
   * Whether `pulumi up` may stop a running VM and start it again, which a new machine type, network or account requires.
   * @default `false`
   */
  allowStopping?: boolean | undefined;
  /** The names of VMs that `pulumi up` may replace, which another zone, machine series, or type or size of boot disk requires. It stops before it replaces any other VM. */
  replace?: string[] | undefined;
  /** Which VMs of the list belong to which stack, if several stacks share one list (docs/scale.md). By default all belong to this stack. */
  stacks?:
    | {
        /** The stack's name. */
        name: string;
        /** The stack's VMs by name. A stack has `vms`, `labels` or `rest`. */
        vms?: string[] | undefined;
        /** VMs with all of these labels. If several stacks match, the VM belongs to the first one. */
        labels?: Record<string, string> | undefined;
        /** All VMs that no other stack takes. */
        rest?: true | undefined;
      }[]
    | undefined;
  /** A snapshot of every home disk each day. */
  snapshots?:
    | {
        /**
         * The hour of the snapshot, in UTC.
         * @default `04:00`
         */
        at?: "00:00" | "04:00" | "08:00" | "12:00" | "16:00" | "20:00" | undefined;
        /**
         * How many days a snapshot is kept.
         * From 1 to 3650.
         * @default `14`
         */
        keepDays?: number | undefined;
        /** Where snapshots are kept: a region, or `eu`, `us` or `asia`. By default near the disk. */
        location?: string | undefined;
      }
    | undefined;
  /** When VMs start and stop by themselves. A VM has at most one schedule. */
  schedules?:
    | {
        /** The schedule's name. */
        name: string;
        /** When the VMs start, as in cron: `MINUTE HOUR * * DAYS`. */
        start?: string | undefined;
        /** When the VMs stop, in the same format. */
        stop?: string | undefined;
        /** The time zone of `start` and `stop`, such as `Europe/Brussels`. */
        timeZone: string;
        /** The schedule's VMs by name. A schedule has `vms`, `labels`, `waves` or `rest`. */
        vms?: string[] | undefined;
        /** VMs with all of these labels. */
        labels?: Record<string, string> | undefined;
        /** All VMs of these waves. */
        waves?: string[] | undefined;
        /** All VMs that no other schedule takes. */
        rest?: true | undefined;
      }[]
    | undefined;
  /**
   * The waves of a rollout, in this order. docs/rollouts.md explains them.
   * @default `[{"name":"all","rest":true}]`
   */
  waves?:
    | {
        /** The wave's name. */
        name: string;
        /** The wave's VMs by name. A wave has `vms`, `labels`, `share` or `rest`. */
        vms?: string[] | undefined;
        /** VMs with all of these labels. */
        labels?: Record<string, string> | undefined;
        /** A share of the remaining VMs, such as `20%`. */
        share?: string | undefined;
        /** All VMs that no other wave takes. */
        rest?: true | undefined;
        /** How many VMs must prove a revision before later waves get it. By default 1 in the first wave and 0 in the others. */
        minSucceeded?: number | undefined;
        /**
         * How many VMs may fail: a number, or a share such as `10%`. The gate fails if more VMs fail.
         * @default `0`
         */
        maxFailures?: number | string | undefined;
        /**
         * How long a VM may take to report after the approval.
         * A duration such as `90s`, `20m` or `1h30m`.
         * @default `20m`
         */
        timeout?: string | undefined;
        /**
         * How long the wave's VMs run the revision before its gate passes and the next wave is approved; failures in that time count. By default not at all.
         * A duration such as `90s`, `20m` or `1h30m`.
         */
        pause?: string | undefined;
        /**
         * What a failed gate does: `hold` stops the rollout, `rollback` also rolls back the VMs of this and earlier waves, `continue` approves the next wave.
         * @default `hold`
         */
        onFailure?: "hold" | "rollback" | "continue" | undefined;
        /**
         * Whether the failure of a home counts as a failure of its VM (`gate`) or is only reported (`report`).
         * @default `report`
         */
        homes?: "gate" | "report" | undefined;
        /** `required`: the VMs reboot by themselves within their window if an update needs it. */
        reboot?: "required" | undefined;
        /**
         * How long such a reboot waits for people who are logged in; then they get 15 minutes' notice. By default it waits until they log out.
         * A duration such as `90s`, `20m` or `1h30m`.
         */
        rebootDeadline?: string | undefined;
        /** About how many VMs of the wave activate a revision at once at most, in turns of two minutes. By default all of them do. */
        maxParallel?: number | undefined;
        /** With `trigger: ssh`, how many VMs of the wave the program triggers at once. */
        parallel?: number | undefined;
      }[]
    | undefined;
  /**
   * How long a gate waits for a new VM to exist, and then again for its first report.
   * A duration such as `90s`, `20m` or `1h30m`.
   * @default `15m`
   */
  bootTimeout?: string | undefined;
  /** A revision whose approval ignores windows and pauses. `fleet rollout --urgent --why TEXT` sets it. */
  urgent?: string | undefined;
  /** Why it is urgent. The preview and `fleet status` show this reason. */
  urgentWhy?: string | undefined;
  /** The fleet's own network. */
  network?:
    | {
        /**
         * The addresses of its subnet.
         * @default `10.128.0.0/20`
         */
        cidr?: string | undefined;
      }
    | undefined;
  /** An existing network to use instead of the fleet's own, such as another stack's. `network.cidr` then has no effect. */
  existingNetwork?:
    | {
        /** The network's self link. */
        network: string;
        /** The self link of a subnetwork in `gcp:region`. The network itself must give its VMs a way to the Internet and to Google's APIs. */
        subnetwork: string;
      }
    | undefined;
  /** The address of an existing service account for the VMs, instead of a new one, such as another stack's. The fleet grants it no role in the project. */
  serviceAccount?: string | undefined;
  /** Who may log in, by OS Login through IAP. Members are `user:ADDRESS` or `group:ADDRESS`. */
  teams?:
    | {
        /** Administrators: they log in to every VM, with sudo. */
        infra?: string[] | undefined;
        /** Plain users. */
        developers?: string[] | undefined;
      }
    | undefined;
  /**
   * `teams`: developers may log in to every VM. `owners`: only a VM's owner and the infra team may log in to it.
   * @default `teams`
   */
  access?: "teams" | "owners" | undefined;
  /**
   * `watch`: VMs watch their metadata. `ssh`: `pulumi up` also starts each update by a remote command.
   * @default `watch`
   */
  trigger?: "watch" | "ssh" | undefined;
  /** The user and the addresses for the remote commands. */
  ssh?:
    | {
        /**
         * The user on the VMs. Its key can only start an update.
         * @default `fleet-trigger`
         */
        user?: string | undefined;
        /**
         * The port of sshd on the VMs.
         * From 1 to 65535.
         * @default `22`
         */
        port?: number | undefined;
        /** `HOST:PORT` by the VM's name, if it differs from the VM's own address in the fleet's network. */
        addresses?: Record<string, string> | undefined;
        /** The host through which the connections go. */
        bastion?:
          | {
              /** The bastion's name or address. */
              host: string;
              /**
               * The bastion's SSH port.
               * From 1 to 65535.
               * @default `22`
               */
              port?: number | undefined;
              /** The user on the bastion. */
              user: string;
              /** The bastion's ed25519 or ecdsa host key, such as `ssh-ed25519 AAAA…`. RSA is refused. */
              hostKey?: string | undefined;
            }
          | undefined;
      }
    | undefined;
  /** The private key for the remote commands. A secret: `pulumi config set --secret nixos-fleet:sshPrivateKey <key`. */
  sshPrivateKey?: string | undefined;
  /** An image that the program creates from a file in a bucket. `fleet image publish` is the other way (docs/images-and-cache.md). */
  image?:
    | {
        /** The file: `gs://BUCKET/NAME.raw.tar.gz`. The image is called NAME. */
        source: string;
        /**
         * The image's family, which `defaults.image` can name.
         * @default `nixos-fleet`
         */
        family?: string | undefined;
      }
    | undefined;
  /** A binary cache that `fleet build` fills. Set one of `bucket`, `existingBucket` and `substituter`. */
  cache?:
    | {
        /** The name of a private bucket, which the program creates. The VMs' account may read it. */
        bucket?: string | undefined;
        /** The name of a bucket that exists already, such as another stack's. The program only lets the VMs' account read it. */
        existingBucket?: string | undefined;
        /** The URL of a substituter. */
        substituter?: string | undefined;
        /** The public signing key, as `nix key convert-secret-to-public` prints it. */
        publicKey: string;
      }
    | undefined;
  /** Alerts about the fleet's updates. Without this key there are none. */
  monitoring?:
    | {
        /** Who gets the alerts: `email:ADDRESS` or `projects/PROJECT/notificationChannels/NUMBER`. */
        channels?: string[] | undefined;
        /**
         * Alert when a VM has been behind for this many days.
         * From 1 to 365.
         * @default `3`
         */
        daysBehind?: number | undefined;
        /**
         * Alert when a running VM has not reported for this long, from `2h` to `24h`.
         * @default `6h`
         */
        silentAfter?: string | undefined;
      }
    | undefined;
  /** The credential with which VMs read the config repository: an SSH key or, for https, a token. Make it read-only: every VM's root can read it. A secret: `pulumi config set --secret nixos-fleet:deployKey <key`. */
  deployKey?: string | undefined;
  /** The same as an existing secret of Secret Manager: its name in this project, or `projects/PROJECT/secrets/NAME`. */
  deployKeySecret?: string | undefined;
  /** Keys and tokens for the flake's private inputs, by host or URL prefix; read-only ones, as for `deployKey`. A secret. */
  deployKeys?: Record<string, string> | undefined;
  /** The same as existing secrets of Secret Manager. */
  deployKeySecrets?: Record<string, string> | undefined;
  /** Keys and tokens of the homes' own repositories, by URL; read-only ones, as for `deployKey`. A secret. */
  homeDeployKeys?: Record<string, string> | undefined;
  /** The same as existing secrets of Secret Manager. */
  homeDeployKeySecrets?: Record<string, string> | undefined;
  /** The host keys of repositories that VMs reach by SSH, as lines of `known_hosts`. */
  knownHosts?: string[] | undefined;
  /** The people whose signed commits VMs deploy, as `ADDRESS KEYTYPE KEY`. Without it VMs deploy the commits of everyone who may push. */
  signers?: string[] | undefined;
}
