/**
 * The description of each setting. docs/reference/settings.md contains them, and editors show them from
 * docs/reference/settings.schema.json. A path is written as in the settings; `[]` is each element of a list.
 */
export const DESCRIPTIONS: Readonly<Record<string, string>> = {
  "gcp:project": "The Google Cloud project that the fleet is in.",
  "gcp:region": "The region of the fleet's network.",
  "gcp:zone": "The zone of VMs without a zone of their own. By default zone `b` of the region.",

  fleet: "The fleet's name, part of its labels and metadata keys. Several fleets can share a project.",
  repository:
    "The config repository as the VMs clone it: an `https`, `ssh` or `git` URL, or `user@host:path`. It holds no user name or token; those belong in `deployKey`.",
  branch: "The branch of the config repository.",
  subdirectory: "The folder of `flake.nix`, if it is not at the top of the repository.",
  resolveFrom:
    "The URL or path at which this program reads the same repository, if yours differs from that of the VMs.",
  directory: "The clone of the config repository on every VM, for people to read.",
  follow:
    "What a VM's own timers update to between rollouts: with `branch` the branch's head, with `approved` only what `pulumi up` approved.",

  vms: "The VMs. Set either `vms` or `vmsFile`.",
  vmsFile:
    "A JSON file with the same list, such as the config repository's `vms.json`: a path from the program's folder.",
  "vms[].name": "The VM's name in Compute.",
  "vms[].owner":
    "The e-mail address of the VM's owner. With `access: owners` only the owner and the infra team may log in.",
  "vms[].host": "The VM's attribute in the flake's `nixosConfigurations`. By default its name.",
  "vms[].zone": "The VM's zone. By default `gcp:zone`.",
  "vms[].machineType": "The VM's machine type. By default `defaults.machineType`.",
  "vms[].diskSizeGb": "The size of the boot disk in GB. By default `defaults.diskSizeGb`.",
  "vms[].diskType": "The type of the boot disk. By default `defaults.diskType`.",
  "vms[].homeDisk": "The VM's disk for `/home`, instead of `defaults.homeDisk`; `false` for none.",
  "vms[].homeDisk.sizeGb": "The size of the home disk in GB. It can grow, not shrink.",
  "vms[].homeDisk.type": "The type of the home disk.",
  "vms[].image": "The image of a new VM. By default `defaults.image`.",
  "vms[].homes": "The homes that the VM keeps current.",
  "vms[].homes[].user": "The home's user on the VM.",
  "vms[].homes[].attribute": "The home's attribute in the flake's `homeConfigurations`. By default the user's name.",
  "vms[].homes[].repository": "The home's own repository. By default the config repository.",
  "vms[].homes[].branch": "The branch of the home's own repository.",
  "vms[].labels":
    "Labels of the VM and of its home disk, for bills, waves and schedules. They take precedence over `defaults.labels`.",
  "vms[].deletionProtection": "Like the fleet's `deletionProtection`, for this VM only.",

  stacks:
    "Which VMs of the list belong to which stack, if several stacks share one list (docs/scale.md). By default all belong to this stack.",
  "stacks[].name": "The stack's name.",
  "stacks[].vms": "The stack's VMs by name. A stack has `vms`, `labels` or `rest`.",
  "stacks[].labels": "VMs with all of these labels. If several stacks match, the VM belongs to the first one.",
  "stacks[].rest": "All VMs that no other stack takes.",

  defaults: "The values for VMs that do not set their own.",
  "defaults.machineType": "The machine type.",
  "defaults.image":
    "The image of new VMs: a name, a family, or a path such as `projects/PROJECT/global/images/family/FAMILY`.",
  "defaults.diskSizeGb": "The size of the boot disk in GB.",
  "defaults.diskType":
    "The type of the boot disk. By default `pd-balanced`, or `hyperdisk-balanced` if the machine type supports nothing else.",
  "defaults.homeDisk":
    "A disk of its own for `/home`, which outlives the VM. The profile's `nixos-fleet.homeDisk.enable` mounts it.",
  "defaults.homeDisk.sizeGb": "The size of the home disk in GB. It can grow, not shrink.",
  "defaults.homeDisk.type": "The type of the home disk.",
  "defaults.labels": "Labels of every VM and its home disk.",
  deletionProtection:
    "Whether Compute refuses to delete the VMs. Turn it off and run `pulumi up` before you remove a VM.",
  protect:
    "Whether Pulumi also refuses to delete the VMs, already in a preview. By default the same as `deletionProtection`. In a fleet of several stacks, `false` also allows to delete what other stacks may use: network, NAT, account, cache and secrets.",
  allowStopping:
    "Whether `pulumi up` may stop a running VM and start it again, which a new machine type, network or account requires.",
  replace:
    "The names of VMs that `pulumi up` may replace, which another zone, machine series, or type or size of boot disk requires. It stops before it replaces any other VM.",

  snapshots: "A snapshot of every home disk each day.",
  "snapshots.at": "The hour of the snapshot, in UTC.",
  "snapshots.keepDays": "How many days a snapshot is kept.",
  "snapshots.location": "Where snapshots are kept: a region, or `eu`, `us` or `asia`. By default near the disk.",
  schedules: "When VMs start and stop by themselves. A VM has at most one schedule.",
  "schedules[].name": "The schedule's name.",
  "schedules[].start": "When the VMs start, as in cron: `MINUTE HOUR * * DAYS`.",
  "schedules[].stop": "When the VMs stop, in the same format.",
  "schedules[].timeZone": "The time zone of `start` and `stop`, such as `Europe/Brussels`.",
  "schedules[].vms": "The schedule's VMs by name. A schedule has `vms`, `labels`, `waves` or `rest`.",
  "schedules[].labels": "VMs with all of these labels.",
  "schedules[].waves": "All VMs of these waves.",
  "schedules[].rest": "All VMs that no other schedule takes.",

  waves: "The waves of a rollout, in this order. docs/rollouts.md explains them.",
  "waves[].name": "The wave's name.",
  "waves[].vms": "The wave's VMs by name. A wave has `vms`, `labels`, `share` or `rest`.",
  "waves[].labels": "VMs with all of these labels.",
  "waves[].share": "A share of the remaining VMs, such as `20%`.",
  "waves[].rest": "All VMs that no other wave takes.",
  "waves[].minSucceeded":
    "How many VMs must prove a revision before later waves get it. By default 1 in the first wave and 0 in the others.",
  "waves[].maxFailures": "How many VMs may fail: a number, or a share such as `10%`. The gate fails if more VMs fail.",
  "waves[].timeout": "How long a VM may take to report after the approval.",
  "waves[].pause":
    "How long the wave's VMs run the revision before its gate passes and the next wave is approved; failures in that time count. By default not at all.",
  "waves[].onFailure":
    "What a failed gate does: `hold` stops the rollout, `rollback` also rolls back the VMs of this and earlier waves, `continue` approves the next wave.",
  "waves[].homes":
    "Whether the failure of a home counts as a failure of its VM (`gate`) or is only reported (`report`).",
  "waves[].reboot": "`required`: the VMs reboot by themselves within their window if an update needs it.",
  "waves[].rebootDeadline":
    "How long such a reboot waits for people who are logged in; then they get 15 minutes' notice. By default it waits until they log out.",
  "waves[].maxParallel":
    "About how many VMs of the wave activate a revision at once at most, in turns of two minutes. By default all of them do.",
  "waves[].parallel": "With `trigger: ssh`, how many VMs of the wave the program triggers at once.",
  bootTimeout: "How long a gate waits for a new VM to exist, and then again for its first report.",
  urgent: "A revision whose approval ignores windows and pauses. `fleet rollout --urgent --why TEXT` sets it.",
  urgentWhy: "Why it is urgent. The preview and `fleet status` show this reason.",

  network: "The fleet's own network.",
  "network.cidr": "The addresses of its subnet.",
  existingNetwork:
    "An existing network to use instead of the fleet's own, such as another stack's. `network.cidr` then has no effect.",
  "existingNetwork.network": "The network's self link.",
  "existingNetwork.subnetwork":
    "The self link of a subnetwork in `gcp:region`. The network itself must give its VMs a way to the Internet and to Google's APIs.",
  serviceAccount:
    "The address of an existing service account for the VMs, instead of a new one, such as another stack's. The fleet grants it no role in the project.",
  teams: "Who may log in, by OS Login through IAP. Members are `user:ADDRESS` or `group:ADDRESS`.",
  "teams.infra": "Administrators: they log in to every VM, with sudo.",
  "teams.developers": "Plain users.",
  access:
    "`teams`: developers may log in to every VM. `owners`: only a VM's owner and the infra team may log in to it.",
  trigger: "`watch`: VMs watch their metadata. `ssh`: `pulumi up` also starts each update by a remote command.",
  ssh: "The user and the addresses for the remote commands.",
  "ssh.user": "The user on the VMs. Its key can only start an update.",
  "ssh.port": "The port of sshd on the VMs.",
  "ssh.addresses": "`HOST:PORT` by the VM's name, if it differs from the VM's own address in the fleet's network.",
  "ssh.bastion": "The host through which the connections go.",
  "ssh.bastion.host": "The bastion's name or address.",
  "ssh.bastion.port": "The bastion's SSH port.",
  "ssh.bastion.user": "The user on the bastion.",
  "ssh.bastion.hostKey": "The bastion's ed25519 or ecdsa host key, such as `ssh-ed25519 AAAA…`. RSA is refused.",
  sshPrivateKey:
    "The private key for the remote commands. A secret: `pulumi config set --secret nixos-fleet:sshPrivateKey <key`.",

  image:
    "An image that the program creates from a file in a bucket. `fleet image publish` is the other way (docs/images-and-cache.md).",
  "image.source": "The file: `gs://BUCKET/NAME.raw.tar.gz`. The image is called NAME.",
  "image.family": "The image's family, which `defaults.image` can name.",
  cache: "A binary cache that `fleet build` fills. Set one of `bucket`, `existingBucket` and `substituter`.",
  "cache.bucket": "The name of a private bucket, which the program creates. The VMs' account may read it.",
  "cache.existingBucket":
    "The name of a bucket that exists already, such as another stack's. The program only lets the VMs' account read it.",
  "cache.substituter": "The URL of a substituter.",
  "cache.publicKey": "The public signing key, as `nix key convert-secret-to-public` prints it.",
  monitoring: "Alerts about the fleet's updates. Without this key there are none.",
  "monitoring.channels": "Who gets the alerts: `email:ADDRESS` or `projects/PROJECT/notificationChannels/NUMBER`.",
  "monitoring.daysBehind": "Alert when a VM has been behind for this many days.",
  "monitoring.silentAfter": "Alert when a running VM has not reported for this long, from `2h` to `24h`.",

  deployKey:
    "The credential with which VMs read the config repository: an SSH key or, for https, a token. Make it read-only: every VM's root can read it. A secret: `pulumi config set --secret nixos-fleet:deployKey <key`.",
  deployKeySecret:
    "The same as an existing secret of Secret Manager: its name in this project, or `projects/PROJECT/secrets/NAME`.",
  deployKeys:
    "Keys and tokens for the flake's private inputs, by host or URL prefix; read-only ones, as for `deployKey`. A secret.",
  deployKeySecrets: "The same as existing secrets of Secret Manager.",
  homeDeployKeys:
    "Keys and tokens of the homes' own repositories, by URL; read-only ones, as for `deployKey`. A secret.",
  homeDeployKeySecrets: "The same as existing secrets of Secret Manager.",
  knownHosts: "The host keys of repositories that VMs reach by SSH, as lines of `known_hosts`.",
  signers:
    "The people whose signed commits VMs deploy, as `ADDRESS KEYTYPE KEY`. Without it VMs deploy the commits of everyone who may push.",
};
