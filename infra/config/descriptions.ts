/**
 * What each setting means, in one or two sentences: the text of docs/reference/settings.md, and what editors show by docs/reference/settings.schema.json. A path is
 * as in the settings; `[]` is each element of a list.
 */
export const DESCRIPTIONS: Readonly<Record<string, string>> = {
  "gcp:project": "The Google Cloud project that gets the fleet.",
  "gcp:region": "The region of the fleet's network.",
  "gcp:zone": "The zone of VMs that name none. By default zone `b` of the region.",

  fleet: "The fleet's name, part of its labels and metadata keys. Several fleets can share a project.",
  repository:
    "The config repository as the VMs clone it: an `https`, `ssh` or `git` URL, or `user@host:path`. It holds no user name or token; those belong in `deployKey`.",
  branch: "The branch of the config repository.",
  subdirectory: "The folder of `flake.nix` in the repository, where it is not the top.",
  resolveFrom: "Where this program reads the same repository, if you reach it by another URL or path than the VMs.",
  directory: "The clone of the config repository on every VM, for people to read.",
  follow:
    "What a VM's own timers follow between rollouts: `branch` is the branch's head, `approved` only what `pulumi up` approved.",

  vms: "The VMs. Either `vms` or `vmsFile` is set.",
  vmsFile:
    "A JSON file with the same list, such as the config repository's `vms.json`: a path from the program's folder.",
  "vms[].name": "The VM's name in Compute.",
  "vms[].owner":
    "Whose VM it is: an e-mail address. With `access: owners` only this person may log in, besides the infra team.",
  "vms[].host": "The VM's attribute in the flake's `nixosConfigurations`. By default its name.",
  "vms[].zone": "The VM's zone. By default `gcp:zone`.",
  "vms[].machineType": "The VM's machine type. By default `defaults.machineType`.",
  "vms[].diskSizeGb": "The size of the boot disk in GB. By default `defaults.diskSizeGb`.",
  "vms[].diskType": "The type of the boot disk. By default `defaults.diskType`.",
  "vms[].homeDisk": "The VM's disk for `/home`, in place of `defaults.homeDisk`; `false` for none.",
  "vms[].homeDisk.sizeGb": "The size of the home disk in GB. It can grow, not shrink.",
  "vms[].homeDisk.type": "The type of the home disk.",
  "vms[].image": "The image of a new VM. By default `defaults.image`.",
  "vms[].homes": "The homes that the VM keeps current.",
  "vms[].homes[].user": "The home's user on the VM.",
  "vms[].homes[].attribute": "The home's attribute in the flake's `homeConfigurations`. By default the user's name.",
  "vms[].homes[].repository": "The home's own repository. By default the config repository.",
  "vms[].homes[].branch": "The branch of the home's own repository.",
  "vms[].labels":
    "Labels of the VM and of its home disk, for bills, waves and schedules. They go before `defaults.labels`.",
  "vms[].deletionProtection": "As the fleet's `deletionProtection`, for this VM alone.",

  stacks:
    "Which VMs of the list belong to which stack, where several stacks share one list (docs/scale.md). By default all belong to this one.",
  "stacks[].name": "The stack's name.",
  "stacks[].vms": "The stack's VMs by name. A stack has `vms`, `labels` or `rest`.",
  "stacks[].labels": "VMs with all of these labels. Where several stacks fit, the first one has the VM.",
  "stacks[].rest": "All VMs that no other stack takes.",

  defaults: "What a VM gets that does not say otherwise.",
  "defaults.machineType": "The machine type.",
  "defaults.image":
    "The image of new VMs: a name, a family, or a path such as `projects/PROJECT/global/images/family/FAMILY`.",
  "defaults.diskSizeGb": "The size of the boot disk in GB.",
  "defaults.diskType":
    "The type of the boot disk. By default what the machine type takes: `pd-balanced` or `hyperdisk-balanced`.",
  "defaults.homeDisk":
    "A disk of its own for `/home`, which outlives the VM. The profile's `nixos-fleet.homeDisk.enable` mounts it.",
  "defaults.homeDisk.sizeGb": "The size of the home disk in GB. It can grow, not shrink.",
  "defaults.homeDisk.type": "The type of the home disk.",
  "defaults.labels": "Labels of every VM and its home disk.",
  deletionProtection:
    "Whether Compute refuses to delete the VMs. Turn it off and run `pulumi up` before you remove a VM.",
  protect: "Whether Pulumi refuses as well, already in a preview. By default as `deletionProtection`.",
  allowStopping: "Whether `pulumi up` may stop a running VM and start it again, as a new machine type takes.",
  replace:
    "The names of VMs that `pulumi up` may replace, as another zone or boot disk takes. Without a VM's name in here it stops and says so.",

  snapshots: "A snapshot of every home disk each day.",
  "snapshots.at": "The hour at which it is taken, in UTC.",
  "snapshots.keepDays": "How many days a snapshot is kept.",
  "snapshots.location": "Where snapshots are kept: a region, or `eu`, `us` or `asia`. By default near the disk.",
  schedules: "When VMs start and stop by themselves. A VM has one schedule at most.",
  "schedules[].name": "The schedule's name.",
  "schedules[].start": "When the VMs start, as in cron: `MINUTE HOUR * * DAYS`.",
  "schedules[].stop": "When they stop.",
  "schedules[].timeZone": "The time zone of both, such as `Europe/Brussels`.",
  "schedules[].vms": "Whose schedule it is: VMs by name. A schedule has `vms`, `labels`, `waves` or `rest`.",
  "schedules[].labels": "VMs with all of these labels.",
  "schedules[].waves": "All VMs of these waves.",
  "schedules[].rest": "All VMs that no other schedule takes.",

  waves: "The waves of a rollout, in this order. docs/rollouts.md explains them.",
  "waves[].name": "The wave's name.",
  "waves[].vms": "The wave's VMs by name. A wave has `vms`, `labels`, `share` or `rest`.",
  "waves[].labels": "VMs with all of these labels.",
  "waves[].share": "A share of the VMs that are left, such as `20%`.",
  "waves[].rest": "All VMs that no other wave takes.",
  "waves[].minSucceeded":
    "How many VMs must prove a revision before later waves get it. By default 1 in the first wave and 0 in the others.",
  "waves[].maxFailures":
    "How many VMs may fail: a number, or a share such as `10%`. The gate fails when there are more.",
  "waves[].timeout": "How long a VM may take to report after the approval.",
  "waves[].pause": "How long the rollout waits after this wave has passed. By default not at all.",
  "waves[].onFailure":
    "What a failed gate does: `hold` stops the rollout, `rollback` also takes back what this and earlier waves got, `continue` goes on.",
  "waves[].homes": "Whether a home that fails fails its VM (`gate`) or is reported only (`report`).",
  "waves[].reboot": "`required`: the VMs reboot by themselves within their window where an update needs it.",
  "waves[].rebootDeadline":
    "How long such a reboot waits for people who are logged in. They get 15 minutes' notice. By default it waits until they log out.",
  "waves[].maxParallel":
    "About how many VMs of the wave activate a revision at once, in turns of two minutes. By default all of them do.",
  "waves[].parallel": "How many VMs of the wave are asked at once, with `trigger: ssh`.",
  bootTimeout: "How long a gate waits until a new VM is there, and from then for its first report.",
  urgent: "A revision whose approval ignores windows and pauses. `fleet rollout --urgent --why TEXT` sets it.",
  urgentWhy: "Why it is urgent, for those whose window it passes.",

  network: "The fleet's own network.",
  "network.cidr": "The addresses of its subnet.",
  existingNetwork:
    "A network to use instead of one of the fleet's own, such as that of another stack. `network.cidr` then has no effect.",
  "existingNetwork.network": "The network's self link.",
  "existingNetwork.subnetwork":
    "The self link of a subnetwork in `gcp:region`. Its VMs reach the Internet and Google's APIs by the network's own means.",
  serviceAccount:
    "The address of an account that the VMs run as, instead of a new one, such as that of another stack. The fleet grants it no role in the project.",
  teams: "Who may log in, by OS Login through IAP. Members are `user:ADDRESS` or `group:ADDRESS`.",
  "teams.infra": "Administrators: they log in to every VM, with sudo.",
  "teams.developers": "Plain users.",
  access: "`teams`: developers may log in to every VM. `owners`: each VM's owner alone may, besides the infra team.",
  trigger: "`watch`: VMs watch their metadata. `ssh`: `pulumi up` also starts each update by a remote command.",
  ssh: "As whom, and where, the remote commands go.",
  "ssh.user": "The user on the VMs. Its key can start an update and nothing else.",
  "ssh.port": "The port of sshd on the VMs.",
  "ssh.addresses": "`HOST:PORT` by VM's name, where it is not the VM's own address in the fleet's network.",
  "ssh.bastion": "The host that connections go through.",
  "ssh.bastion.host": "Its name or address.",
  "ssh.bastion.port": "Its port.",
  "ssh.bastion.user": "The user there.",
  "ssh.bastion.hostKey": "Its host key, such as `ssh-ed25519 AAAA…`.",
  sshPrivateKey:
    "The private key of the remote commands. A secret: `pulumi config set --secret nixos-fleet:sshPrivateKey <key`.",

  image: "An image that the program makes out of a file in a bucket. docs/images-and-cache.md has the other way.",
  "image.source": "The file: `gs://BUCKET/NAME.raw.tar.gz`. The image is called NAME.",
  "image.family": "The image's family, which `defaults.image` can name.",
  cache: "A binary cache with what `fleet build` has built. It has either `bucket` or `substituter`.",
  "cache.bucket": "A private bucket's name. The VMs' account may read it.",
  "cache.substituter": "The URL of a substituter.",
  "cache.publicKey": "The key that signs, as `nix key convert-secret-to-public` prints it.",
  monitoring: "Alerts about the fleet's updates. Without this key there are none.",
  "monitoring.channels": "Who gets the alerts: `email:ADDRESS` or `projects/PROJECT/notificationChannels/NUMBER`.",
  "monitoring.daysBehind": "Alert when a VM is behind for so many days.",
  "monitoring.silentAfter": "Alert when a running VM has not reported for so long, from `2h` to `24h`.",

  deployKey:
    "What the config repository asks VMs for: an SSH key or, by https, a token. A secret: `pulumi config set --secret nixos-fleet:deployKey <key`.",
  deployKeySecret:
    "The same, as a secret of Secret Manager that there is already: its name in this project, or `projects/PROJECT/secrets/NAME`.",
  deployKeys: "Keys and tokens for the flake's private inputs, by host or URL prefix. A secret.",
  deployKeySecrets: "The same, as secrets of Secret Manager that there are already.",
  homeDeployKeys: "Keys and tokens of the homes' own repositories, by URL. A secret.",
  homeDeployKeySecrets: "The same, as secrets of Secret Manager that there are already.",
  knownHosts: "The host keys of repositories that are reached by SSH, as lines of `known_hosts`.",
  signers: "Whose signed commits may be deployed, as `ADDRESS KEYTYPE KEY`. Without it those of everyone who may push.",
};
