# nftables rules that let only certain users reach the metadata server. The server answers every process on the machine: it hands out the
# service account's token and takes guest attributes, among them the update's reports.
#
# The rules cover HTTP only. The same address is the machine's name server and time server, which every user needs.
#
# To nftables a packet has no user, and passes a rule about users, while its socket is no open file: its process has closed it, or the
# kernel made it for someone, as for AF_SMC (linux, net/netfilter/nft_meta.c; net/smc/af_smc.c). So no such socket opens a connection;
# one that was open may end.
#
# These users need it: root (the guest agent, Google's script runner, the update agent, OS Login's PAM modules within sshd), and with OS
# Login the users that look up names and keys. Those are the name service daemon's, because on NixOS it does every lookup
# (nixos/modules/config/nsswitch.nix), and the one that runs OS Login's AuthorizedKeysCommand
# (nixos/modules/security/google_oslogin.nix: `nobody`, in newer nixpkgs root).
let
  inherit (builtins) concatMap concatStringsSep;

  table = "nixos-fleet-metadata";
  addresses = [
    "ip daddr 169.254.169.254"
    "ip6 daddr fd20:ce::254"
  ];

  # `users` is an nftables expression for those who may reach the server.
  chainFor =
    users:
    let
      refuse = "counter reject with tcp reset";
      rules = address: [
        "  ${address} tcp dport 80 meta skuid != ${users} ${refuse}"
        "  ${address} tcp dport 80 meta skuid ${users} accept"
        "  ${address} tcp dport 80 tcp flags & (syn | ack) == syn ${refuse}"
      ];
    in
    ''
      chain output {
        type filter hook output priority filter; policy accept;
      ${concatStringsSep "\n" (concatMap rules addresses)}
      }
    '';
  replace = content: ''
    table inet ${table}
    delete table inet ${table}
    ${content}'';
  rulesetFor =
    users:
    replace ''
      table inet ${table} {
      ${chainFor users}
      }
    '';

  # Names as a set of nftables; 0 needs no lookup.
  named = users: "{ ${concatStringsSep ", " users} }";
  root = "0";
in
{
  inherit table;

  # The units that create users, if the activation script does not.
  after = [
    "systemd-sysusers.service"
    "userborn.service"
  ];

  # users -> what the table holds, for a configuration that loads its tables by itself.
  chain = users: chainFor (named users);

  # Files for `nft --file`, which replaces the table in one step. nft looks names up when it loads the file, and fails if a user
  # does not exist.
  ruleset = users: rulesetFor (named users);
  rootOnly = rulesetFor root;
  open = replace "";

  # NixOS checks its ruleset in the build sandbox, which has no such users (nixos/modules/services/networking/nftables.nix).
  preCheck = users: "sed --in-place 's/${named users}/${root}/' ruleset.conf";
}
