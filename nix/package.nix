# Both agents, each as a command. They are plain bash files; this adds what they run and tells them where they are.
{
  lib,
  runCommand,
  symlinkJoin,
  writeShellApplication,
  bash,
  coreutils,
  curl,
  diffutils,
  findutils,
  gawk,
  getent,
  git,
  gnugrep,
  gnupg,
  gnused,
  gnutar,
  gzip,
  jq,
  nix,
  openssh,
  systemd,
  util-linux,
  xz,
}:

let
  contract = lib.importJSON ../contract.json;

  files = runCommand "nixos-fleet-agent-${contract.agent}" { } ''
    mkdir $out
    cp -r ${./agent}/* $out/
    cp ${../contract.json} $out/contract.json
  '';

  # What the agent runs.
  tools = [
    bash
    coreutils
    curl
    diffutils
    findutils
    gawk
    getent
    git
    gnugrep
    gnupg
    gnused
    gnutar
    gzip
    jq
    nix
    openssh
    systemd
    util-linux
    xz
  ];

  command =
    name:
    writeShellApplication {
      inherit name;
      runtimeInputs = tools;
      runtimeEnv.NIXOS_FLEET_AGENT = "${files}";
      text = ''
        exec bash ${files}/${name}.bash "$@"
      '';
    };
in
symlinkJoin {
  name = "nixos-auto-update-${contract.agent}";
  paths = map command [
    contract.units.system
    contract.units.home
  ];
  passthru = { inherit tools; };
  meta = {
    description = "Update a NixOS machine and its homes from one configuration repository";
    license = lib.licenses.mit;
    mainProgram = contract.units.system;
    platforms = lib.platforms.linux;
  };
}
