# Both agents, each as a command: agent/ bundled into one file that Node runs, the watcher's script, manual pages and shell completions.
# In the npm package agent/ is bundled already, and there is no rules/.
{
  lib,
  runCommand,
  bash,
  coreutils,
  curl,
  diffutils,
  esbuild,
  findutils,
  getent,
  git,
  gnugrep,
  gnupg,
  gnused,
  gnutar,
  gzip,
  nix,
  nodejs-slim,
  openssh,
  systemd,
  util-linux,
  xz,
}:

let
  contract = lib.importJSON ../contract.json;
  bundle = lib.importJSON ../agent/bundle.json;
  names = [
    contract.units.system
    contract.units.home
  ];

  # What the agent runs.
  tools = [
    bash
    coreutils # id, head, test, true, and the watcher's cksum, mkdir, mv, rm, sleep
    curl # the watcher, and servers that are reached through a site's proxy
    diffutils # the watcher's cmp
    getent
    git
    gnupg # for git: signatures
    nix
    openssh # for git: ssh, and ssh-keygen for signatures
    systemd # systemctl, systemd-run, systemd-inhibit, loginctl, journalctl, shutdown
    util-linux # flock, setpriv, wall
    # For nix: a flake's tarballs (nixos/modules/tasks/auto-upgrade.nix).
    gnutar
    gzip
    xz
    # For health checks and `notify`: what NixOS gives every service (nixos/modules/system/boot/systemd.nix).
    findutils
    gnugrep
    gnused
  ];

  command =
    name:
    import ./lib/command.nix {
      inherit name;
      shell = "${bash}/bin/sh";
      node = "${nodejs-slim}/bin/node";
      bundle = "${placeholder "out"}/libexec";
      path = ''PATH="${lib.makeBinPath tools}''${PATH:+:$PATH}"'';
    };
in
assert lib.assertMsg (lib.versionAtLeast nodejs-slim.version "20")
  "nixos-fleet: the agent needs Node 20 or newer, and ${nodejs-slim.name} is older: set nodePackage to a newer one";
runCommand "nixos-auto-update-${contract.agent}"
  {
    nativeBuildInputs = [ esbuild ];
    meta = {
      description = "Update a NixOS machine and its homes from one configuration repository";
      license = lib.licenses.mit;
      mainProgram = contract.units.system;
      platforms = lib.platforms.linux;
    };
  }
  ''
    mkdir source
    cp -r ${../agent} source/agent
    ${lib.optionalString (builtins.pathExists ../rules) "cp -r ${../rules} source/rules"}
    cp ${../contract.json} source/contract.json
    mkdir -p $out/libexec $out/bin
    (cd source && esbuild ${bundle.entry} ${lib.escapeShellArgs bundle.flags} --outfile=$out/libexec/agent.cjs)
    cp source/agent/watch.sh $out/libexec/watch.sh
    cp -r source/agent/share $out/share
    ${lib.concatMapStrings (name: ''
      printf %s ${lib.escapeShellArg (command name)} >$out/bin/${name}
    '') names}
    chmod +x $out/bin/*
  ''
